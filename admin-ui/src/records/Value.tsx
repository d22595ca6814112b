import { Chip, Link as MuiLink, Stack } from '@mui/material';
import type { MouseEvent } from 'react';
import { Link } from 'react-admin';
import { type AdminResource, locale, type Typed } from '../api.ts';

/** As the language of the panel writes it, not that of the browser: 11/06 and 06/11 are different days. */
export const momentText = (value: unknown): string => new Date(String(value)).toLocaleString(locale());

const labelOf = ({ choices }: Typed, id: unknown) => choices?.find(one => one.id === id)?.label ?? String(id);

/** What a record is called. */
export function titleOf({ title, columns }: AdminResource, record: Readonly<Record<string, unknown>>): string {
  const [value, column] = [record[title] ?? record['id'], columns.find(({ name }) => name === title)];
  return column ? labelOf(column, value) : String(value);
}

/** Whatever it is, no wider than its place. */
export function Raw({ value }: { value: unknown }) {
  return (
    <pre style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere', margin: 0 }}>{JSON.stringify(value, null, 2)}</pre>
  );
}

/** One value as people read it. What users wrote is text, whatever it looks like. */
export function Value({ of, value }: { of: Typed; value: unknown }) {
  if (value === null || value === undefined || value === '') return <span>–</span>;
  if (of.type === 'boolean') return <span>{value ? '✓' : '✗'}</span>;
  if (of.type === 'moment') return <time dateTime={String(value)}>{momentText(value)}</time>;
  if (of.type === 'choice') return <Chip size="small" label={labelOf(of, value)} />;
  if (of.type === 'money' || of.type === 'number') return <span>{Number(value).toLocaleString(locale())}</span>;
  if (of.type === 'list')
    return (
      <Stack direction="row" spacing={0.5} useFlexGap sx={{ flexWrap: 'wrap' }}>
        {(value as string[]).map(one => (
          <Chip key={one} size="small" label={labelOf(of, one)} />
        ))}
      </Stack>
    );
  if (of.type === 'json') return <Raw value={value} />;
  if (of.type === 'id' && of.refers)
    return (
      <MuiLink
        component={Link}
        to={`/${of.refers}/${value}/show`}
        onClick={(event: MouseEvent) => event.stopPropagation()}
      >
        {String(value).slice(-8)}
      </MuiLink>
    );
  return <span style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{String(value)}</span>;
}
