import { expect, test } from 'vitest';
import { DAY } from '../support/accounts.ts';
import { eventually, record, type TestUser, useApp } from '../support/app.ts';
import { buildTalk, message } from '../support/talk.ts';
import { buildDealer, postInput } from '../support/worlds.ts';

const app = useApp({ NOTIFICATION_DAYS: '30' });
const listOf = async (who: TestUser) => (await app.get(who, '/api/notifications/')).body;
const found = async (who: TestUser) => (await app.get(who, '/api/notifications/?types=search_match')).body;
const idsOf = async (who: TestUser) => (await listOf(who)).results.map((one: { id: string }) => one.id);
const none = { unread: 0, unseen: 0 };

test('with a saved search its notes are removed on every device, read or unread; those of others and of other searches stay', async () => {
  const [seller, watcher, other] = [await buildDealer(app), await buildDealer(app), await buildDealer(app)];
  const [word, otherWord] = ['kardan', 'stupitsa'].map(name => `${name}${Date.now()}`) as [string, string];
  const save = async (who: TestUser, q: string) =>
    (await app.post(who, '/api/b2b/saved-searches/', { name: q, filters: { q } })).body.id as string;
  const publish = async (title: string) =>
    expect((await app.post(seller, '/api/b2b/posts/', postInput({ title }))).status).toBe(201);
  // They were told that they are on the board, and of their plan.
  await app.post(watcher, '/api/notifications/read-all/');
  const [search, another] = [await save(watcher, word), await save(watcher, otherWord)];
  await save(other, word);
  await publish(`${word} bir`);
  const [{ id: readId }] = (await found(watcher)).results;
  await app.post(watcher, '/api/notifications/read/', { ids: [readId] });
  await publish(`${word} ikki`);
  await publish(`${otherWord} uch`);
  expect((await found(watcher)).results).toHaveLength(3);
  const [phone, laptop] = [await app.connect(watcher, '/notifications'), await app.connect(watcher, '/notifications')];
  const heard = [phone, laptop].map(socket => record(socket, 'notification:removed'));

  expect((await app.delete(watcher, `/api/b2b/saved-searches/${search}/`)).status).toBe(204);
  const { results, badge } = await found(watcher);
  expect(results).toMatchObject([{ group_key: `search:${another}` }]);
  expect(badge.unread).toBe(1);
  await eventually(() => {
    for (const removed of heard) {
      expect(removed).toHaveLength(2);
      expect(removed[1]).toMatchObject({ notification: { group_key: `search:${search}` }, badge: { unread: 1 }, alert: false }); // biome-ignore format: one line reads better
    }
  });
  expect((await found(other)).results).toMatchObject([{ count: 2 }]);
  await publish(`${word} toʻrt`);
  expect((await found(watcher)).results).toHaveLength(1);
});

test('what was read is forgotten after NOTIFICATION_DAYS; what is unread, or was read later, stays', async () => {
  const { buyer, seller, thread } = await buildTalk(app);
  const write = () => app.post(buyer, '/api/chat/send/', message(thread));
  await write();
  const [old] = await idsOf(seller);
  await app.post(seller, '/api/notifications/read-all/');
  await write();
  const [fresh] = await idsOf(seller);
  expect(fresh).not.toBe(old);
  const run = (days: number) => app.jobs.run('forget-read-notifications', new Date(Date.now() + days * DAY));
  await run(29);
  expect(await idsOf(seller)).toEqual([fresh, old]);
  await run(31);
  expect(await idsOf(seller)).toEqual([fresh]);
  await run(3_650);
  expect(await listOf(seller)).toMatchObject({ results: [{ id: fresh }], badge: { ...none, unread: 1 } });
});

test('more than one run forgets is forgotten by the next ones', async () => {
  await app.jobs.run('forget-read-notifications', new Date(Date.now() + 3_650 * DAY));
  const { id } = await app.buildUser();
  await app.orm.em.fork().execute(
    `insert into notifications (id, user_id, type, title, body, actor_ids, data, read_at, created_at, updated_at)
     select gen_random_uuid(), ?, 'announcement', 'x', 'x', '{}', '{}', now() - interval '40 days', now(), now() from generate_series(1, 5001)`,
    [id],
  );
  const forgotten: unknown[] = [];
  for (let round = 0; round < 3; round += 1) forgotten.push(await app.jobs.run('forget-read-notifications'));
  expect(forgotten).toEqual([{ forgotten: 5_000 }, { forgotten: 1 }, { forgotten: 0 }]);
});
