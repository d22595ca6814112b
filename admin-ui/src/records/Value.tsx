import { Chip, Link as MuiLink, Stack } from '@mui/material';
import type { MouseEvent } from 'react';
import { Link } from 'react-admin';
import type { Typed } from '../api.ts';

const labelOf = ({ choices }: Typed, id: unknown) => choices?.find(one => one.id === id)?.label ?? String(id);

/** One value as people read it. What users wrote is text, whatever it looks like. */
export function Value({ of, value }: { of: Typed; value: unknown }) {
  if (value === null || value === undefined || value === '') return <span>–</span>;
  if (of.type === 'boolean') return <span>{value ? '✓' : '✗'}</span>;
  if (of.type === 'moment') return <time dateTime={String(value)}>{new Date(String(value)).toLocaleString()}</time>;
  if (of.type === 'choice') return <Chip size="small" label={labelOf(of, value)} />;
  if (of.type === 'money' || of.type === 'number') return <span>{Number(value).toLocaleString()}</span>;
  if (of.type === 'list')
    return (
      <Stack direction="row" spacing={0.5} useFlexGap sx={{ flexWrap: 'wrap' }}>
        {(value as string[]).map(one => (
          <Chip key={one} size="small" label={labelOf(of, one)} />
        ))}
      </Stack>
    );
  if (of.type === 'json')
    return <pre style={{ whiteSpace: 'pre-wrap', margin: 0 }}>{JSON.stringify(value, null, 2)}</pre>;
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
