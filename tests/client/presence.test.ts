import { expect, test } from 'vitest';
import { z } from 'zod';
import { createPresence } from '../../src/client/presence.ts';
import { AppError } from '../../src/common/errors.ts';
import { command, event } from '../../src/common/operations.ts';
import type { SocketDoor } from '../../src/common/sockets.ts';
import { eventually } from '../support/app.ts';
import { until } from '../support/client.ts';
import { useDoors } from '../support/doors.ts';

const State = z.object({ user_id: z.string(), status: z.enum(['online', 'away', 'offline', 'hidden', 'unknown']), last_seen_at: z.null() }); // biome-ignore format: one line reads better
const contract = {
  namespace: '/presence' as const,
  operations: {
    subscribe: command({
      summary: 'Watches.',
      socket: 'presence:subscribe',
      input: z.object({ user_ids: z.array(z.string()) }),
      output: z.object({ states: z.array(State) }),
    }),
    ping: command({
      summary: 'Is there.',
      socket: 'presence:ping',
      volatile: true,
      input: z.object({ active: z.boolean() }),
      output: z.object({}),
    }),
  },
  events: { updated: event('presence:updated', z.object({ states: z.array(State) }), 'Changed.') },
};
const asked: string[][] = [];
const pinged: boolean[] = [];
let refusals = 0;
let sockets: SocketDoor;
const doors = useDoors(contract, (_http, gateway, door) => {
  sockets = door;
  gateway.handle(contract.operations.subscribe, async (_ctx, { user_ids }) => {
    if (refusals-- > 0) throw new AppError('rate_limited', { retry_after_ms: 10 });
    asked.push([...user_ids].sort());
    return { states: user_ids.map(user_id => ({ user_id, status: 'online' as const, last_seen_at: null })) };
  });
  gateway.handle(contract.operations.ping, async (_ctx, { active }) => {
    pinged.push(active);
    return {};
  });
});
const me = '00000000-0000-7000-8000-000000000001';

test('who is looked at is watched, in one list, again after each connection, and no longer than that', async () => {
  const socket = await doors.connect(me);
  const presence = createPresence(socket);
  socket.disconnect().connect();
  const [a, b] = [presence.of('a'), presence.of('b')];
  expect(a.getSnapshot()).toEqual({ user_id: 'a', status: 'unknown', last_seen_at: null });
  const endA = a.subscribe(() => {});
  b.subscribe(() => {});
  await until(a, ({ status }) => status === 'online');
  expect(asked.at(-1)).toEqual(['a', 'b']);

  const before = b.getSnapshot();
  sockets.push([{ isFact: false, name: 'presence:updated', payload: { states: [{ user_id: 'a', status: 'away', last_seen_at: null }] }, to: [me] }]); // biome-ignore format: one line reads better
  await until(a, ({ status }) => status === 'away');
  expect(b.getSnapshot()).toBe(before);

  endA();
  await eventually(() => expect(asked.at(-1)).toEqual(['b']));
  // whatever became of them meanwhile
  expect(a.getSnapshot()).toMatchObject({ status: 'unknown' });
  socket.disconnect();
  expect(b.getSnapshot()).toMatchObject({ status: 'unknown' });
  const times = asked.length;
  socket.connect();
  await eventually(() => expect(asked.length).toBe(times + 1));
  await until(b, ({ status }) => status === 'online');
});

test('whether the person is active is told when it changes', async () => {
  const socket = await doors.connect(me);
  const presence = createPresence(socket);
  socket.disconnect().connect();
  await eventually(() => expect(pinged.at(-1)).toBe(true));
  presence.setActive(false);
  await eventually(() => expect(pinged.at(-1)).toBe(false));
});

test('a list that is refused for now is told again', async () => {
  const socket = await doors.connect(me);
  const presence = createPresence(socket);
  socket.disconnect().connect();
  refusals = 2;
  const one = presence.of('c');
  one.subscribe(() => {});
  await until(one, ({ status }) => status === 'online');
});
