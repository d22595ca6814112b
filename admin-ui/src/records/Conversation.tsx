import { Box, Button, Card, CardContent, Typography } from '@mui/material';
import { useState } from 'react';
import { type RaRecord, useTranslate } from 'react-admin';
import { ask } from '../api.ts';
import { useFailure } from '../failures.ts';
import { momentText } from './Value.tsx';

export interface Said {
  id: string;
  seq: number;
  text: string | null;
  type: string;
  sender: { id: string | null };
  attachments?: { id: string; name: string; url: string; thumb_url: string | null }[];
  created_at: string;
}

interface Page {
  messages: Said[];
  has_more_before: boolean;
}

export function Messages({
  messages,
  marked,
  names = {},
}: {
  messages: Said[];
  marked?: string;
  names?: Record<string, string>;
}) {
  const translate = useTranslate();
  const nameOf = (id: string | null) => (id === null ? translate('app.system') : (names[id] ?? id.slice(-8)));
  return (
    <>
      {messages.map(({ id, text, type, sender, attachments = [], created_at }) => (
        <Box
          key={id}
          sx={{
            my: 1,
            pl: 1,
            borderLeft: 4,
            borderColor: id === marked ? 'error.main' : 'divider',
            overflowWrap: 'anywhere',
          }}
        >
          <Typography variant="caption" color="textSecondary">
            {`${nameOf(sender.id)} · ${momentText(created_at)}`}
          </Typography>
          <Typography sx={{ whiteSpace: 'pre-wrap' }}>{type === 'deleted' ? '—' : text}</Typography>
          {attachments.map(({ id: upload, name, url, thumb_url }) => (
            <a key={upload} href={url} target="_blank" rel="noreferrer">
              <img src={thumb_url ?? url} alt={name} loading="lazy" style={{ maxWidth: '100%', maxHeight: 160 }} />
            </a>
          ))}
        </Box>
      ))}
    </>
  );
}

/** The conversation that an open report is about; each page that is read leaves a row in the audit. */
export function Conversation({ thread, reportId }: { thread: RaRecord; reportId: string }) {
  const [translate, failed] = [useTranslate(), useFailure()];
  const [older, setOlder] = useState<Said[]>([]);
  const [hasMore, setMore] = useState(Boolean(thread['has_more_before']));
  const messages = [...older, ...(thread['messages'] as Said[])];
  const names = {
    [thread['buyer_id'] as string]: thread['buyer_name'] as string,
    [thread['seller_id'] as string]: thread['seller_name'] as string,
  };
  async function readOlder() {
    const query = new URLSearchParams({ report_id: reportId, before_seq: String(messages[0]?.seq ?? 1) });
    const page = await ask<Page>('GET', `/api/admin/threads/${thread.id}/?${query}`);
    setOlder([...page.messages, ...older]);
    setMore(page.has_more_before);
  }
  return (
    <Card sx={{ mt: 2 }}>
      <CardContent>
        {hasMore && <Button onClick={() => readOlder().catch(failed)}>{translate('app.older')}</Button>}
        <Messages messages={messages} names={names} />
      </CardContent>
    </Card>
  );
}
