import { Button, Dialog, DialogActions, DialogContent, DialogTitle, MenuItem, Stack, TextField } from '@mui/material';
import { type FormEvent, useEffect, useState } from 'react';
import { useNotify, useTranslate } from 'react-admin';
import { type Action, ask, type Choice, type Param } from '../api.ts';
import { useFailure } from '../failures.ts';
import { fieldErrors } from '../field-errors.ts';
import { ours } from '../i18n/en.ts';

interface Props {
  action: Action;
  ids: readonly unknown[];
  /** Params that the page knows already. */
  known?: Record<string, string>;
  /** The record of a page. */
  record?: Record<string, unknown>;
  /** Answered, be it with refusals: the records may be others than they look. */
  onClose: (isAnswered: boolean) => void;
}

interface Result {
  results: { ok: boolean; code?: string }[];
}

/** Of those chosen, on several pages maybe: one call is one transaction, which a busy database has to end within 4.5 s. */
const MOST_AT_ONCE = 50;

/** Asks why, and what the action needs; says how many it did. */
export function ActionDialog({ action, ids, known = {}, record, onClose }: Props) {
  const [translate, notify, failed] = [useTranslate(), useNotify(), useFailure()];
  const [isBusy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const inputs = action.params.filter(({ name }) => known[name] === undefined);
  const seen = new Set(['reason', ...inputs.map(({ name }) => `params.${name}`)]);
  const wordsOf = (code = '') => translate(`app.refusal.${Object.hasOwn(ours.refusal, code) ? code : 'other'}`);

  async function run(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(event.currentTarget)) as Record<string, string>;
    setBusy(true);
    setWrong({});
    try {
      const results: Result['results'] = [];
      for (let from = 0; from < ids.length; from += MOST_AT_ONCE) {
        const body = bodyOf(action, ids.slice(from, from + MOST_AT_ONCE), { ...given, ...known });
        results.push(...(await ask<Result>('POST', action.path, body)).results);
      }
      const refused = results.filter(({ ok }) => !ok);
      const codes = [...new Set(refused.map(({ code }) => wordsOf(code)))].join(', ');
      const ok = results.length - refused.length;
      if (refused.length > 0) notify('app.failed', { type: 'warning', messageArgs: { failed: refused.length, codes } });
      else notify('app.done', { type: 'success', messageArgs: { ok } });
      onClose(true);
    } catch (error) {
      setBusy(false);
      const errors = fieldErrors(error);
      setWrong(errors);
      if (!Object.keys(errors).some(path => seen.has(path))) await failed(error);
    }
  }

  return (
    <Dialog open fullWidth maxWidth="xs" onClose={() => onClose(false)}>
      <form onSubmit={run}>
        <DialogTitle>{`${action.label} (${ids.length})`}</DialogTitle>
        <DialogContent>
          <Stack spacing={2} sx={{ mt: 1 }}>
            {inputs.map(param => (
              <ParamInput key={param.name} {...{ param, record, wrong: wrong[`params.${param.name}`] }} />
            ))}
            <TextField
              name="reason"
              label={translate('app.reason')}
              error={wrong['reason'] !== undefined}
              helperText={translate(wrong['reason'] ?? 'app.reason_help')}
              required={action.needs_reason}
              multiline
              autoFocus
            />
          </Stack>
        </DialogContent>
        <DialogActions>
          <Button onClick={() => onClose(false)}>{translate('ra.action.cancel')}</Button>
          <Button type="submit" variant="contained" disabled={isBusy}>
            {translate('app.run')}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

function bodyOf({ params }: Action, ids: readonly unknown[], given: Record<string, string>) {
  const filled = params
    .filter(({ name }) => given[name])
    .map(param => [param.name, paramValue(param, given[param.name] ?? '')]);
  return {
    ids,
    params: Object.fromEntries(filled),
    ...(given['reason']?.trim() && { reason: given['reason'].trim() }),
  };
}

function paramValue({ type }: Param, text: string): unknown {
  if (type === 'moment') return new Date(text).toISOString();
  if (type === 'number') return Number(text);
  if (type === 'boolean') return text === 'true';
  return type === 'list' ? text.split(/\s*,\s*/) : text;
}

/** The ids of a record that a param may be, by the names that stand beside them. */
const named = ({ among }: Param, record: Props['record']): Choice[] | undefined =>
  record && among?.map(({ value, title }) => ({ id: String(record[value]), label: String(record[title]) }));

interface Input {
  param: Param;
  record: Props['record'];
  wrong: string | undefined;
}

function ParamInput({ param, record, wrong }: Input) {
  const { name, label, type, required, lookup } = param;
  const [translate, failed] = [useTranslate(), useFailure()];
  const [choices, setChoices] = useState<Choice[] | undefined>(param.choices ?? named(param, record));
  useEffect(() => {
    if (!lookup) return;
    ask<{ results: Record<string, string>[] }>('GET', `/api/admin/${lookup.resource}/?page_size=100`).then(
      ({ results }) =>
        setChoices(results.map(row => ({ id: row[lookup.value] ?? '', label: row[lookup.title] ?? '' }))),
      failed,
    );
  }, [lookup, failed]);
  const said = wrong !== undefined && { error: true, helperText: translate(wrong) };
  const common = { name, label, required, fullWidth: true, ...said };
  if (choices)
    return (
      <TextField {...common} select defaultValue="">
        {choices.map(one => (
          <MenuItem key={one.id} value={one.id}>
            {one.label}
          </MenuItem>
        ))}
      </TextField>
    );
  const inputType = type === 'moment' ? 'datetime-local' : type === 'number' ? 'number' : 'text';
  return (
    <TextField
      {...common}
      type={inputType}
      {...(type === 'moment' && { slotProps: { inputLabel: { shrink: true } } })}
    />
  );
}
