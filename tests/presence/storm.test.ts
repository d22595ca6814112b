import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import type { Context } from '../../src/common/context.ts';
import { rows } from '../../src/common/database.ts';
import { newId } from '../../src/common/ids.ts';
import { joinCluster } from '../../src/common/redis.ts';
import type { Gateway } from '../../src/common/sockets.ts';
import type { State } from '../../src/presence/contract.ts';
import { createPresence, type Presence } from '../../src/presence/service/presence.ts';
import { eventually, useApp } from '../support/app.ts';
import { asStaff } from '../support/worlds.ts';

const app = useApp();

// A second is 100 ms here, the grace of 15 s is 1.5 s.
const SCALE = 10;
const SECOND_MS = 1_000 / SCALE;
const WATCHERS = 200;
const FLAPPING = 1_000;
const LIST = 50;

interface Heard {
  at: number[];
  states: Map<string, State>;
}

/** The nth watcher shares threads with 50 of the others. */
const listOf = (n: number, flapping: readonly string[]): string[] =>
  Array.from({ length: LIST }, (_, index) => flapping[(n * 5 + index) % flapping.length]!);

async function buildThreads(watching: readonly string[], flapping: readonly string[]): Promise<void> {
  const pairs = watching.flatMap((watcher, n) => listOf(n, flapping).map(one => [watcher, one] as const));
  for (let from = 0; from < pairs.length; from += 2_500) {
    const some = pairs.slice(from, from + 2_500);
    await rows(
      app.orm.em.fork(),
      sql`insert into threads (id, post_id, buyer_id, seller_id, post, activity_id, created_at, updated_at)
          select gen_random_uuid(), gen_random_uuid(), buyer, seller, '{}', gen_random_uuid(), now(), now()
          from unnest(${some.map(pair => pair[0])}::uuid[], ${some.map(pair => pair[1])}::uuid[]) as pair (buyer, seller)`,
    );
  }
}

/** Presence with sockets whose pushes are only written down: a thousand clients in this process would be the storm. */
async function startPresence(emitTo: Gateway['emitTo']): Promise<Presence> {
  const { orm, log } = app;
  const cluster = await joinCluster(undefined, log);
  const presence = createPresence({ orm, log, cluster, sockets: { emitTo }, timeScale: SCALE });
  await presence.start();
  onTestFinished(() => presence.stop());
  return presence;
}

function subscribe(presence: Presence, connection: string, userId: string, user_ids: string[]) {
  return asStaff(app, ctx => {
    const asked = { ...ctx, connection, actor: { userId } } as unknown as Context;
    return presence.subscribe(asked, { user_ids });
  });
}

test('200 sockets that each watch 50 of 1,000 flapping users hear it at most once a second, and in the end right', async () => {
  const [watching, flapping] = [WATCHERS, FLAPPING].map(length => Array.from({ length }, newId)) as [
    string[],
    string[],
  ];
  await buildThreads(watching, flapping);
  const heard = new Map<string, Heard>();
  const presence = await startPresence((connection, _event, payload) => {
    const { at, states } = heard.get(connection)!;
    at.push(performance.now());
    for (const state of (payload as { states: State[] }).states) states.set(state.user_id, state);
  });
  for (const [n, userId] of watching.entries()) {
    heard.set(userId, { at: [], states: new Map() });
    await presence.arrive({ userId, connection: userId });
    const { states } = await subscribe(presence, userId, userId, listOf(n, flapping));
    for (const state of states) heard.get(userId)!.states.set(state.user_id, state);
  }

  const lease = (userId: string) => ({ userId, connection: `of ${userId}` });
  const flap = async (end: number) => {
    while (performance.now() < end)
      for (const userId of flapping) {
        if (Math.random() < 0.5) await presence.arrive(lease(userId));
        else await presence.leave(lease(userId));
        if (Math.random() < 0.02) await new Promise(resolve => setTimeout(resolve, 1));
      }
  };
  await flap(performance.now() + 2_500);
  const isThere = (n: number) => n % 3 === 0;
  for (const [n, userId] of flapping.entries())
    await (isThere(n) ? presence.arrive(lease(userId)) : presence.leave(lease(userId)));

  const expected = new Map(flapping.map((userId, n) => [userId, isThere(n) ? 'online' : 'offline']));
  await eventually(() => {
    for (const { states } of heard.values())
      for (const [id, state] of states) expect(state.status).toBe(expected.get(id));
  });
  const gaps = [...heard.values()].flatMap(({ at }) => at.slice(1).map((moment, index) => moment - at[index]!));
  // A slow machine pushes seldom; each socket has heard several all the same.
  expect(gaps.length).toBeGreaterThan(WATCHERS);
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(SECOND_MS - 1);
}, 60_000);
