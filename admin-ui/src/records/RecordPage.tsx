import { Box, Card, CardContent, Button as MuiButton, Typography } from '@mui/material';
import { useState } from 'react';
import {
  DeleteButton,
  EditButton,
  type RaRecord,
  Show,
  TopToolbar,
  useLocation,
  useRecordContext,
  useRefresh,
} from 'react-admin';
import type { Action, AdminResource } from '../api.ts';
import { useUnreadable } from '../failures.ts';
import { ActionDialog } from './ActionDialog.tsx';
import { Conversation } from './Conversation.tsx';
import { History } from './History.tsx';
import { ReportedContent } from './ReportedContent.tsx';
import { titleOf, Value } from './Value.tsx';

/** A record with what can be done to it, and its history. What a page needs besides the id stands in its address. */
export function RecordPage({ resource }: { resource: AdminResource }) {
  const given = new URLSearchParams(useLocation().search);
  const query = Object.fromEntries(resource.needs.map(name => [name, given.get(name) ?? '']));
  const onError = useUnreadable(resource);
  return (
    <Show
      resource={resource.name}
      queryOptions={{ meta: { query }, onError }}
      actions={<PageActions resource={resource} known={query} />}
      component="div"
    >
      <PageBody resource={resource} query={query} />
    </Show>
  );
}

function PageActions({ resource, known }: { resource: AdminResource; known: Record<string, string> }) {
  const record = useRecordContext();
  const refresh = useRefresh();
  const [chosen, choose] = useState<Action | null>(null);
  const close = (isAnswered: boolean) => {
    choose(null);
    if (isAnswered) refresh();
  };
  return (
    <TopToolbar sx={{ flexWrap: 'wrap' }}>
      {resource.actions.map(action => (
        <MuiButton key={action.name} size="small" variant="outlined" onClick={() => choose(action)}>
          {action.label}
        </MuiButton>
      ))}
      {resource.permissions.edit && <EditButton />}
      {resource.permissions.remove && <DeleteButton mutationMode="pessimistic" />}
      {chosen && record && <ActionDialog action={chosen} ids={[record.id]} {...{ known, record }} onClose={close} />}
    </TopToolbar>
  );
}

function PageBody({ resource, query }: { resource: AdminResource; query: Record<string, string> }) {
  const record = useRecordContext<RaRecord>();
  if (!record) return null;
  const special = resource.name === 'reports' ? ['copy'] : resource.name === 'threads' ? ['messages'] : [];
  return (
    <>
      {resource.name === 'reports' && <ReportedContent report={record} />}
      <Card sx={{ mt: 2 }}>
        <CardContent>
          <Typography variant="h6" sx={{ mb: 1, overflowWrap: 'anywhere' }}>
            {titleOf(resource, record)}
          </Typography>
          <Box sx={{ display: 'grid', gap: 1.5, gridTemplateColumns: 'repeat(auto-fill, minmax(240px, 1fr))' }}>
            {resource.columns
              .filter(({ name }) => !special.includes(name))
              .map(column => (
                <div key={column.name} data-column={column.name}>
                  <Typography variant="caption" color="textSecondary" component="div">
                    {column.label}
                  </Typography>
                  <Value of={column} value={record[column.name]} />
                </div>
              ))}
          </Box>
        </CardContent>
      </Card>
      {resource.name === 'threads' && <Conversation thread={record} reportId={query['report_id'] ?? ''} />}
      {resource.permissions.export && <History resource={resource} id={String(record.id)} version={record} />}
    </>
  );
}
