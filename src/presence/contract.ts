import { z } from 'zod';
import { anyId, command, event, fact, type Limit, moment, query } from '../common/operations.ts';

export const namespace = '/presence';

export const State = z
  .object({
    user_id: z.guid(),
    status: z
      .enum(['online', 'away', 'offline', 'hidden', 'unknown'])
      .describe(
        '`online`: connected, and active in the last 5 min on any device; `away`: connected, not active; `offline`: not connected for 15 s or more; `hidden`: you share no thread, one blocks the other, or the user is invisible – which of them is not told; `unknown`: cannot be told at the moment, an update follows.',
      ),
    last_seen_at: moment.nullable().describe('While `offline`, if known: until when the user was connected.'),
  })
  .meta({ id: 'PresenceState' });
export type State = z.output<typeof State>;
export type Status = State['status'];

const Mode = z.enum(['auto', 'invisible']);
const user_ids = z.array(anyId).max(200);
const States = z.object({ states: z.array(State).describe('One for each user that was asked for, in that order.') });
const asOften: readonly Limit[] = [{ name: 'presence', by: 'user', points: 10, windowSec: 1 }];

export const operations = {
  subscribe: query({
    summary: 'Whom this connection watches, as a complete list: it replaces the one before. Sent after every connect.',
    socket: 'presence:subscribe',
    input: z.object({ user_ids: user_ids.describe('Everybody to be watched; an empty list ends it.') }),
    output: States,
    limits: asOften,
  }),
  get: query({
    summary: 'How it is at the moment, without watching.',
    socket: 'presence:get',
    input: z.object({ user_ids }),
    output: States,
    limits: asOften,
  }),
  ping: query({
    summary: 'Whether somebody uses this device: on every change, and every 30 s.',
    socket: 'presence:ping',
    volatile: true,
    input: z.object({ active: z.boolean() }),
    output: z.object({}),
  }),
  setMode: command({
    summary: 'On all devices and until it is changed: `invisible` is `hidden` for everybody.',
    socket: 'presence:set',
    input: z.object({ mode: Mode }),
    output: z.object({ mode: Mode }),
    limits: [{ name: 'presence-set', by: 'user', points: 30, windowSec: 60 }],
  }),
};

export const events = {
  updated: event(
    'presence:updated',
    z.object({ states: z.array(State) }),
    'What has changed of those you watch; at most once a second.',
  ),
};

export const facts = {
  modeChanged: fact<{ userId: string; isInvisible: boolean }>('presence.mode-changed'),
};
