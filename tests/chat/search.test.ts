import { beforeAll, expect, test } from 'vitest';
import { partNumbersOf } from '../../src/chat/service/part-numbers.ts';
import { newId } from '../../src/common/ids.ts';
import { ask, useApp } from '../support/app.ts';
import { buildTalk, done, message } from '../support/talk.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });

// As in a database of the locale C, which knows the two cases of ASCII alone.
beforeAll(() => app.orm.em.fork().execute('alter table messages alter column text type text collate "C"'));

async function buildSpoken(...texts: string[]) {
  const talk = await buildTalk(app);
  const [socket, peer] = [await app.connect(talk.buyer, '/chat'), await app.connect(talk.seller, '/chat')];
  for (const text of texts) await done(socket, 'message:send', message(talk.thread, { text }));
  const find = async (q: string, more: object = {}) => {
    const { results } = await done(peer, 'message:search', { q, ...more });
    return results.map((one: { message: { text: string } }) => one.message.text);
  };
  return { ...talk, socket, peer, find };
}

test('messages are found by a part of their text in any case and script, newest first', async () => {
  const { find } = await buildSpoken('Тормозные КОЛОДКИ', 'Moy filtri', 'колодки новые', 'İSTANBUL, Straße');
  expect(await find('колод')).toEqual(['колодки новые', 'Тормозные КОЛОДКИ']);
  expect(await find('FILTR')).toEqual(['Moy filtri']);
  for (const q of ['istanbul', 'İstanbul', 'STRAẞE', 'straße']) expect(await find(q)).toEqual(['İSTANBUL, Straße']);
  expect(await find('nothing')).toEqual([]);
});

test('a search has two characters or more', async () => {
  const { peer, find } = await buildSpoken('🚗🚙 ok');
  for (const q of ['k', '🚗', ' k '])
    expect(await ask(peer, 'message:search', { q })).toMatchObject({ ok: false, error: { code: 'validation_failed', details: { fields: [{ path: 'q', code: 'too_small' }] } } }); // biome-ignore format: one line reads better
  expect(await find('🚗🚙')).toEqual(['🚗🚙 ok']);
});

test('a part number is found in every spelling', async () => {
  const { find, peer } = await buildSpoken('Do you have 06H-121-026 DD?', 'АВ-12345 ok', 'unrelated');
  expect(await find('06H121026')).toEqual(['Do you have 06H-121-026 DD?']);
  expect(await find('06h 121.026')).toEqual(['Do you have 06H-121-026 DD?']);
  expect(await find('ab12345')).toEqual(['АВ-12345 ok']);
  const { results } = await done(peer, 'message:search', { q: 'Do you' });
  expect(results[0].message.part_numbers).toEqual(['06H121026']);
});

test('S-51: signs with a meaning in SQL stand for themselves', async () => {
  const { find } = await buildSpoken('100% new', 'under_score', "o'zbek \\ path");
  expect(await find('0%')).toEqual(['100% new']);
  expect(await find('%%')).toEqual([]);
  expect(await find('r_s')).toEqual(['under_score']);
  expect(await find('__')).toEqual([]);
  expect(await find('.*')).toEqual([]);
  expect(await find('[o]')).toEqual([]);
  expect(await find("o'z")).toEqual(["o'zbek \\ path"]);
  expect(await find('k \\ p')).toEqual(["o'zbek \\ path"]);
});

test("S-84: only the caller's own threads are searched", async () => {
  const { outsider, thread, find } = await buildSpoken('A secret price');
  expect(await find('secret')).toEqual(['A secret price']);
  const stranger = await app.connect(outsider, '/chat');
  expect(await done(stranger, 'message:search', { q: 'secret' })).toEqual({ results: [], next_cursor: null });
  for (const thread_id of [thread.id, newId()])
    expect(await ask(stranger, 'message:search', { q: 'secret', thread_id })).toMatchObject({
      ok: false,
      error: { code: 'not_found' },
    });
});

test('a search stays within a thread if asked, and pages do not repeat', async () => {
  const [one, two] = [await buildSpoken('xx marks', 'xx again'), await buildTalk(app)];
  const opened = await app.post(one.buyer, '/api/chat/start/', { post_id: two.thread.postId, text: 'xx elsewhere' });
  const first = await done(one.socket, 'message:search', { q: 'xx ', limit: 2 });
  expect(first.results.map((hit: { message: { text: string } }) => hit.message.text)).toEqual([
    'xx elsewhere',
    'xx again',
  ]);
  const rest = await done(one.socket, 'message:search', { q: 'xx ', limit: 2, cursor: first.next_cursor });
  expect(rest).toMatchObject({ results: [{ message: { text: 'xx marks' } }], next_cursor: null });
  const inOne = await done(one.socket, 'message:search', { q: 'xx ', thread_id: opened.body.thread.id });
  expect(inOne.results).toHaveLength(1);
});

test('what was deleted is not found; a snippet shows the text around the hit', async () => {
  const { socket, thread, find, peer } = await buildSpoken(`${'a '.repeat(100)}needle${' b'.repeat(100)}`);
  const { results } = await done(peer, 'message:search', { q: 'NEEDLE' });
  expect(results[0].snippet).toMatch(/^…( ?a){19,20} needle( b){40,50}…$/);
  const { messages } = await done(socket, 'thread:history', { thread_id: thread.id });
  await done(socket, 'message:delete', { thread_id: thread.id, message_id: messages[0].id });
  expect(await find('needle')).toEqual([]);
});

test('a snippet shows the hit behind letters that are longer in the other case', async () => {
  const { peer } = await buildSpoken(`${'İ'.repeat(200)}needle${' b'.repeat(200)}`);
  const { results } = await done(peer, 'message:search', { q: 'Needle' });
  expect(results[0].snippet).toContain('İneedle b');
});

test('a snippet shows the part number that was found, however it is spelled there', async () => {
  const { peer } = await buildSpoken(`${'a '.repeat(100)}06H-121-026${' b'.repeat(100)}`);
  for (const q of ['06h121026', '06Н 121 026']) {
    const { results } = await done(peer, 'message:search', { q });
    expect(results[0].snippet).toMatch(/^…( ?a){19,20} 06H-121-026( b){40,50} ?…$/);
  }
});

test.each([
  ['Need 90919-02252 and 06H121026', ['9091902252', '06H121026']],
  ['A2711800009, a2711800009', ['A2711800009']],
  ['OC 90 for 750 000 UZS, 1500000', []],
  ['call +998901234567 or 998901234567', []],
  ['on 24.11.2026 or 2026-11-24, 1.500.000', []],
  ['it costs 12, 2 pcs, v2.0', []],
  ['8200431051 is Renault', ['8200431051']],
  ['Москвич 408-1000', ['4081000']],
])('in %j the part numbers are %j', (text, expected) => {
  expect(partNumbersOf(text)).toEqual(expected);
});
