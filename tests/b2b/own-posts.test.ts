import { expect, test } from 'vitest';
import { type TestUser, useApp } from '../support/app.ts';
import { boardOf } from '../support/board.ts';
import { buildDealer } from '../support/worlds.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });
const { path, titles, publish } = boardOf(app);

test('a post is off the board when its time is over, however late the job is; its author still has it', async () => {
  const [seller, reader] = [await buildDealer(app), await buildDealer(app, { plan: null })];
  await publish(seller, { title: 'Bir kunlik', expires_in_days: 1, part_number: 'ZZ-100-1' });
  const inTwoDays = new Date(Date.now() + 2 * 86_400_000);
  const later = { 'x-test-now': inTwoDays.toISOString() };
  const seenBy = async (who: TestUser, query: object, headers: Record<string, string> = {}) =>
    (await app.get(headers['x-test-now'] ? app.tokenOf(who, inTwoDays) : who, path(query), headers)).body.results
      .length;
  const own = { author: seller.id };
  expect(await seenBy(reader, own)).toBe(1);
  expect(await seenBy(reader, own, later)).toBe(0);
  expect(await seenBy(reader, { q: 'ZZ1001' }, later)).toBe(0);
  expect(await seenBy(seller, { mine: 1 }, later)).toBe(1);
});

test('my own posts come in every status, those of others never', async () => {
  const [seller, other] = [await buildDealer(app), await buildDealer(app)];
  await publish(seller, { title: 'Qoralama', status: 'draft' });
  await publish(seller, { title: 'Chiqqan' });
  expect(await titles(seller, { mine: 1 })).toEqual(['Chiqqan', 'Qoralama']);
  expect(await titles(seller, { mine: 1, status: 'draft' })).toEqual(['Qoralama']);
  expect(await titles(seller, { mine: 1, q: 'qoralama' })).toEqual(['Qoralama']);
  expect(await titles(other, { mine: 1 })).toEqual([]);
  expect(await titles(other, { author: seller.id })).toEqual(['Chiqqan']);
  expect(await titles(other, { author: seller.id, status: 'draft' })).toEqual(['Chiqqan']);
});

test('my own posts are in the order of their publishing where that is asked for, page by page', async () => {
  const seller = await buildDealer(app);
  const { id } = await publish(seller, { title: 'Keyin chiqqan', status: 'draft' });
  await publish(seller, { title: 'Chiqqan' });
  await publish(seller, { title: 'Qoralama', status: 'draft' });
  await app.post(seller, `/api/b2b/posts/${id}/publish/`);
  const found: string[] = [];
  for (let next: string | null = path({ mine: 1, ordering: '-published_at', limit: 1 }); next; ) {
    const { body } = await app.get(seller, next);
    found.push(...body.results.map((post: { title: string }) => post.title));
    next = body.next;
  }
  expect(found).toEqual(['Keyin chiqqan', 'Qoralama', 'Chiqqan']);
});

test("one's own posts are filtered by the status that they show, however late the job is that writes it down", async () => {
  const owner = await buildDealer(app);
  await publish(owner, { title: 'Bir kunlik', expires_in_days: 1 });
  await publish(owner, { title: 'Uzoq', expires_in_days: 30 });
  await publish(owner, { title: 'Qoralama', status: 'draft' });
  const soon = new Date(Date.now() + 2 * 86_400_000);
  const later = { 'x-test-now': soon.toISOString() };
  const shown = async (status: string) => {
    const { body } = await app.get(app.tokenOf(owner, soon), path({ mine: true, status }), later);
    return body.results.map((post: { title: string; status: string }) => [post.title, post.status]);
  };
  expect(await shown('published')).toEqual([['Uzoq', 'published']]);
  expect(await shown('expired')).toEqual([['Bir kunlik', 'expired']]);
  expect(await shown('draft')).toEqual([['Qoralama', 'draft']]);
  await app.jobs.run('end-lifetimes', soon);
  expect([await shown('published'), await shown('expired')]).toEqual([
    [['Uzoq', 'published']],
    [['Bir kunlik', 'expired']],
  ]);
});
