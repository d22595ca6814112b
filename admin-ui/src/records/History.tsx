import {
  Button,
  Card,
  CardContent,
  Stack,
  Table,
  TableBody,
  TableCell,
  TableHead,
  TableRow,
  Typography,
} from '@mui/material';
import { useEffect, useState } from 'react';
import { useTranslate } from 'react-admin';
import { type AdminResource, ask } from '../api.ts';
import { useFailure } from '../failures.ts';
import { momentText } from './Value.tsx';

interface Entry {
  id: string;
  at: string;
  actor_id: string | null;
  actor_role: string | null;
  action: string;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  reason: string | null;
}

const PAGE = 25;

/** Who changed the record, how and why: what it was beside what it is. */
export function History({ resource, id, version }: { resource: AdminResource; id: string; version: unknown }) {
  const [translate, failed] = [useTranslate(), useFailure()];
  const [entries, setEntries] = useState<Entry[] | null>(null);
  const [count, setCount] = useState(0);
  async function read(page: number, newer: readonly Entry[]) {
    const path = `/api/admin/${resource.name}/${encodeURIComponent(id)}/history/?page=${page}&page_size=${PAGE}`;
    const found = await ask<{ results: Entry[]; count: number }>('GET', path);
    setEntries([...newer, ...found.results]);
    setCount(found.count);
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: a changed record has a longer history
  useEffect(() => {
    read(1, []).catch(failed);
  }, [resource.name, id, version]);
  if (!entries) return null;
  const readOlder = () => read(Math.floor(entries.length / PAGE) + 1, entries).catch(failed);
  return (
    <Card sx={{ mt: 2, overflowWrap: 'anywhere' }} data-history>
      <CardContent>
        <Typography variant="h6">{translate('app.history')}</Typography>
        {entries.length === 0 && <Typography color="textSecondary">{translate('app.no_history')}</Typography>}
        <Stack spacing={2}>
          {entries.map(entry => (
            <HistoryEntry key={entry.id} entry={entry} resource={resource} />
          ))}
        </Stack>
        {entries.length < count && <Button onClick={readOlder}>{translate('app.older_changes')}</Button>}
      </CardContent>
    </Card>
  );
}

function HistoryEntry({ entry, resource }: { entry: Entry; resource: AdminResource }) {
  const translate = useTranslate();
  const { at, action, actor_id, actor_role, before, after, reason } = entry;
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  const labelOf = (name: string) => resource.columns.find(one => one.name === name)?.label ?? name;
  const actionLabel = resource.actions.find(one => one.name === action)?.label ?? action;
  return (
    <div>
      <Typography variant="subtitle2">
        {`${momentText(at)} · ${actionLabel} · ${actor_role ?? ''} ${actor_id?.slice(-8) ?? ''}`}
      </Typography>
      {reason && <Typography variant="body2">{reason}</Typography>}
      {names.length > 0 && (
        <Table size="small">
          <TableHead>
            <TableRow>
              <TableCell />
              <TableCell>{translate('app.was')}</TableCell>
              <TableCell>{translate('app.is')}</TableCell>
            </TableRow>
          </TableHead>
          <TableBody>
            {names.map(name => (
              <TableRow key={name}>
                <TableCell>{labelOf(name)}</TableCell>
                <TableCell sx={{ color: 'error.main' }}>{told(before?.[name])}</TableCell>
                <TableCell sx={{ color: 'success.main' }}>{told(after?.[name])}</TableCell>
              </TableRow>
            ))}
          </TableBody>
        </Table>
      )}
    </div>
  );
}

function told(value: unknown): string {
  if (value === undefined || value === null) return '–';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
