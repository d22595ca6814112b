import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { Category } from '../../src/b2b/entities/reference.ts';
import { categoryId, ensureCategory, seedReference } from '../../src/b2b/service/reference.ts';
import { useApp } from '../support/app.ts';
import { asStaff, buildDealer } from '../support/worlds.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });
const lists = ['/api/b2b/categories/', '/api/b2b/brands/', '/api/b2b/regions/'];

test.each(lists)('%s is open to all, may be kept for a while, and is not sent twice', async path => {
  const first = await app.get(null, path);
  expect(first.status).toBe(200);
  expect(first.headers.get('cache-control')).toBe('public, max-age=30');
  expect(first.headers.get('vary')).toMatch(/Accept-Language.*Origin/);
  const etag = first.headers.get('etag')!;
  const again = await app.get(null, path, { 'if-none-match': etag });
  expect([again.status, again.body]).toEqual([304, '']);
  expect((await app.get(null, path, { 'if-none-match': '"other"' })).status).toBe(200);
});

test('names are in the language of the request, and trees hold everything once', async () => {
  const ask = async (path: string, language: string) =>
    (await app.get(null, path, { 'accept-language': language })).body.results;
  const brakes = async (language: string) =>
    (await ask('/api/b2b/categories/', language)).find((one: { code: string }) => one.code === 'brakes');
  expect(await Promise.all(['uz', 'uz-Cyrl', 'ru', 'en'].map(async language => (await brakes(language)).name))).toEqual(
    ['Tormoz tizimi', 'Тормоз тизими', 'Тормозная система', 'Brake system'],
  );
  const categories: { children: object[] }[] = await ask('/api/b2b/categories/', 'en');
  expect(categories.length + categories.flatMap(one => one.children).length).toBe(288);
  const regions: { code: string; children: object[] }[] = await ask('/api/b2b/regions/', 'ru');
  expect(regions).toHaveLength(14);
  expect(regions.length + regions.flatMap(one => one.children).length).toBe(222);
  expect(await ask('/api/b2b/brands/', 'en')).toHaveLength(523);
});

test.each([
  ['Шевр', 'Chevrolet'],
  ['chevro', 'Chevrolet'],
  ['ВАЗ', 'Lada'],
  ['денс', 'DENSO'],
])('brands: “%s” finds %s', async (q, name) => {
  const { body } = await app.get(null, `/api/b2b/brands/?q=${encodeURIComponent(q)}`);
  expect(body.results.map((one: { name: string }) => one.name)).toContain(name);
  expect(body.results.length).toBeLessThan(20);
});

test.each(['hevrolet', '%', '汽车', '_'])('brands: “%s” finds none', async q => {
  expect((await app.get(null, `/api/b2b/brands/?q=${encodeURIComponent(q)}`)).body.results).toEqual([]);
});

test('a post takes a known category only, and is found by its names in every language', async () => {
  const seller = await buildDealer(app);
  const post = (category_id: string) => app.post(seller, '/api/b2b/posts/', { title: 'Universal detal', category_id });
  expect(await post(randomUUID())).toMatchObject({
    status: 400,
    body: { code: 'validation_failed', details: { fields: [{ path: 'category_id', code: 'unknown' }] } },
  });
  const { status, body } = await post(categoryId('radiators'));
  expect([status, body.category_id]).toEqual([201, categoryId('radiators')]);
  for (const q of ['radiators', 'радиаторы', 'Radiatorlar detal'])
    expect((await app.get(seller, `/api/b2b/posts/?q=${encodeURIComponent(q)}`)).body.results).toHaveLength(1);
});

test('seeding again changes nothing that staff have changed', async () => {
  const some = await asStaff(app, ctx => ctx.em.findOneOrFail(Category, { code: 'seats' }));
  await asStaff(app, ctx => ctx.em.nativeUpdate(Category, { id: some.id }, { name: { ...some.name, en: 'Chairs' } }));
  await asStaff(app, seedReference);
  const kept = await asStaff(app, ctx => ctx.em.findOneOrFail(Category, { code: 'seats' }));
  expect(kept.name.en).toBe('Chairs');
  await expect(asStaff(app, ctx => ensureCategory(ctx, some.id))).resolves.toBeUndefined();
  await expect(asStaff(app, ctx => ensureCategory(ctx, randomUUID()))).rejects.toMatchObject({
    code: 'validation_failed',
  });
});
