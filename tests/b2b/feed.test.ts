import { beforeAll, describe, expect, test } from 'vitest';
import { categoryId } from '../../src/b2b/service/reference.ts';
import { type TestUser, useApp } from '../support/app.ts';
import { boardOf } from '../support/board.ts';
import { uploadFolder, uploadImage } from '../support/uploads.ts';
import { buildDealer } from '../support/worlds.ts';

const app = useApp({ RATE_LIMITS: 'relaxed', UPLOAD_DIR: await uploadFolder() });
const { path, pageOf, titles, publish } = boardOf(app);

describe('each filter narrows the board', () => {
  let [seller, buyer]: TestUser[] = [];
  const kept = {
    ...{ title: 'Kolodka', intent: 'buy', category_id: categoryId('brake-pads'), brand: 'Шевроле', condition: 'used' },
    ...{ price: '250.00', currency: 'USD', region: 'UZ-SA', city: 'Самарқанд', part_number: 'AB-77' },
    fitments: [
      { make: 'Chevrolet', model: 'Cobalt', year_from: 2013, year_to: 2020 },
      { make: 'Lada', model: 'Vesta' },
    ],
  };
  const other = {
    ...{
      title: 'Filtr',
      category_id: categoryId('oil-filters'),
      brand: 'Bosch',
      condition: 'new',
      part_number: 'AB-78',
    },
    ...{ price: '900.00', currency: 'UZS', region: 'UZ-TK', city: 'Toshkent' },
    fitments: [{ make: 'Chevrolet', model: 'Spark', year_from: 2005, year_to: 2010 }],
  };

  beforeAll(async () => {
    [seller, buyer] = [await buildDealer(app), await buildDealer(app, { plan: null })];
    await publish(seller!, kept);
    await publish(await buildDealer(app), other);
  });

  test.each<[object]>([
    [{ intent: 'buy' }],
    [{ category: 'brake-pads' }],
    [{ category: 'brakes' }],
    [{ category: categoryId('brakes') }],
    [{ category: categoryId('brake-pads').toUpperCase() }],
    [{ category: 'Brake pads' }],
    [{ category: 'Тормозная система' }],
    [{ brand: 'Chevrolet' }],
    [{ brand: 'шевролет' }],
    [{ part_number: 'ав77' }],
    [{ make: 'Шевроле', model: 'cobalt', year: 2015 }],
    [{ make: 'chevrolet', year: 2020 }],
    [{ model: 'Cobalt' }],
    [{ make: 'ВАЗ', model: 'vesta', year: 1990 }],
    [{ condition: 'used' }],
    [{ currency: 'USD' }],
    [{ currency: 'USD', price_min: 250, price_max: 250 }],
    [{ region: 'UZ-SA' }],
    [{ city: 'samarqand' }],
    [{ q: 'kolodka', brand: 'chevrolet', intent: 'buy' }],
  ])('%j', async query => {
    expect(await titles(buyer!, query)).toEqual(['Kolodka']);
  });

  test.each<[object]>([
    [{ intent: 'buy', condition: 'new' }],
    [{ category: 'no-such-category' }],
    [{ category: '00000000-0000-7000-8000-000000000000' }],
    [{ brand: 'Chevro' }],
    [{ part_number: 'AB-7' }],
    // no single car is all of it
    [{ make: 'Lada', model: 'Cobalt' }],
    [{ make: 'chevrolet', model: 'cobalt', year: 2012 }],
    [{ model: 'spark', year: 2015 }],
    [{ currency: 'USD', price_min: 251 }],
    [{ currency: 'USD', price_max: 249.99 }],
    [{ region: 'UZ-XO' }],
    [{ city: 'Samar' }],
    [{ has_images: true }],
  ])('%j finds nothing', async query => {
    expect(await titles(buyer!, query)).toEqual([]);
  });

  test('by author, and by when it was made', async () => {
    expect(await titles(buyer!, { author: seller!.id })).toEqual(['Kolodka']);
    expect(await titles(buyer!, { author: buyer!.id })).toEqual([]);
    expect(await titles(buyer!, { created_after: new Date(Date.now() - 3_600_000).toISOString() })).toHaveLength(2);
    expect(await titles(buyer!, { created_after: new Date(Date.now() + 3_600_000).toISOString() })).toEqual([]);
  });

  test('by whether it has images', async () => {
    const { id: image } = await uploadImage(app, seller!);
    const { id } = await publish(seller!, { title: 'Rasmli', image_ids: [image] });
    expect(await titles(buyer!, { has_images: true })).toEqual(['Rasmli']);
    expect((await titles(buyer!, { has_images: false })).toSorted()).toEqual(['Filtr', 'Kolodka']);
    await app.delete(seller!, `/api/b2b/posts/${id}/`);
  });

  test.each(['category', 'brand', 'part_number', 'make', 'model', 'city'])(
    'an empty %s is refused by name',
    async name => {
      const fields = (field: string) => ({
        status: 400,
        body: { details: { fields: [{ path: field, code: 'too_small' }] } },
      });
      expect(await app.get(buyer!, path({ [name]: ' ' }))).toMatchObject(fields(name));
      const search = { name: 'Kuzatuv', filters: { [name]: '' } };
      expect(await app.post(buyer!, '/api/b2b/saved-searches/', search)).toMatchObject(fields(`filters.${name}`));
    },
  );

  test('a price without its currency is refused by name', async () => {
    for (const query of [{ price_min: 1 }, { price_max: 1 }])
      expect(await app.get(buyer!, path(query))).toMatchObject({
        status: 400,
        body: { code: 'validation_failed', details: { fields: [{ path: 'currency', code: 'required_with_price' }] } },
      });
  });

  test('facets count what is left, a brand once under all its names', async () => {
    const { facets } = await pageOf(buyer!, { facets: 1, currency: 'USD', limit: 1 });
    expect(facets).toEqual({
      category: [{ value: categoryId('brake-pads'), label: 'Tormoz kolodkalari (diskli)', count: 1 }],
      brand: [{ value: 'chevrolet', label: 'Chevrolet', count: 1 }],
      condition: [{ value: 'used', label: 'used', count: 1 }],
      region: [{ value: 'UZ-SA', label: expect.stringContaining('Samarqand'), count: 1 }],
      price: { min: '250.00', max: '250.00' },
    });
    const all = (await pageOf(buyer!, { facets: 1 })).facets;
    expect(all.condition.map((one: { count: number }) => one.count)).toEqual([1, 1]);
    expect(all.price).toEqual({ min: null, max: null });
    expect((await pageOf(buyer!, { q: 'kolotka', facets: 1 })).facets.brand).toHaveLength(1);
    expect(await pageOf(buyer!, {})).not.toHaveProperty('facets');
  });

  test('facets count under a category what its filter finds', async () => {
    const maker = await buildDealer(app);
    const codes = ['engine', 'brakes', 'brake-pads'];
    const posts: { id: string }[] = [];
    for (const code of codes)
      posts.push(await publish(maker, { title: `Qism ${code}`, category_id: categoryId(code), region: 'UZ-JI' }));
    const { category } = (await pageOf(buyer!, { facets: 1, region: 'UZ-JI' })).facets;
    expect(category).toHaveLength(3);
    expect(category[0]).toMatchObject({ value: categoryId('brakes'), count: 2 });
    for (const { value, count } of category)
      expect(await titles(buyer!, { region: 'UZ-JI', category: value })).toHaveLength(count);
    for (const { id } of posts) await app.delete(maker, `/api/b2b/posts/${id}/`);
  });

  test('a brand that nobody knows is called in facets as its seller has written it, and found by its value', async () => {
    const maker = await buildDealer(app);
    const { id } = await publish(maker, { title: 'Kardan', brand: 'Щербаков и Ко', region: 'UZ-BU' });
    const { facets } = await pageOf(buyer!, { facets: 1, region: 'UZ-BU' });
    expect(facets.brand).toEqual([{ value: 'sherbakov i ko', label: 'Щербаков и Ко', count: 1 }]);
    expect(await titles(buyer!, { brand: facets.brand[0].value })).toEqual(['Kardan']);
    await app.delete(maker, `/api/b2b/posts/${id}/`);
  });

  test('suggestions are numbers, brands and categories that have posts, in the language asked for', async () => {
    const suggest = async (q: string, language = 'en') =>
      (await app.get(buyer!, `/api/b2b/suggest/?q=${encodeURIComponent(q)}`, { 'accept-language': language })).body
        .results;
    expect(await suggest('ав-7')).toEqual([
      { type: 'part', text: 'AB77', count: 1 },
      { type: 'part', text: 'AB78', count: 1 },
    ]);
    expect(await suggest('шев')).toEqual([{ type: 'brand', text: 'Chevrolet', count: 1 }]);
    expect(await suggest('brake pa')).toEqual([{ type: 'category', text: 'Brake pads', count: 1 }]);
    expect(await suggest('тормозные кол', 'ru')).toEqual([
      { type: 'category', text: 'Тормозные колодки (дисковые)', count: 1 },
    ]);
    for (const { type, text } of [...(await suggest('шев')), ...(await suggest('тормозные кол', 'ru'))])
      expect(await titles(buyer!, { [type]: text })).toEqual(['Kolodka']);
    expect(await suggest('zzz')).toEqual([]);
    expect(await app.get(buyer!, '/api/b2b/suggest/?q=a')).toMatchObject({ status: 400 });
  });
});

describe('orders and pages', () => {
  let [seller, reader]: TestUser[] = [];
  const prices = ['300.00', null, '100.00', '200.00', null, '100.00', '50.00'];

  beforeAll(async () => {
    [seller, reader] = [await buildDealer(app), await buildDealer(app, { plan: null })];
    for (const [n, price] of prices.entries())
      await publish(seller!, { title: `Sanoqli ${n}`, price, ...(price && { currency: 'UZS' }) });
  });

  async function walk(query: object): Promise<string[]> {
    const seen: string[] = [];
    for (let next: string | null = path({ author: seller!.id, limit: 2, ...query }); next; ) {
      const { status, body } = await app.get(reader!, next);
      expect(status).toBe(200);
      seen.push(...body.results.map((post: { title: string }) => post.title.replace('Sanoqli ', '')));
      next = body.next;
    }
    return seen;
  }

  test('newest first, by price both ways with requests last, and by nearness', async () => {
    expect(await walk({})).toEqual(['6', '5', '4', '3', '2', '1', '0']);
    expect(await walk({ ordering: '-published_at' })).toEqual(['6', '5', '4', '3', '2', '1', '0']);
    expect(await walk({ ordering: 'price' })).toEqual(['6', '2', '5', '3', '0', '1', '4']);
    expect(await walk({ ordering: '-price' })).toEqual(['0', '3', '5', '2', '6', '4', '1']);
    expect((await walk({ q: 'sanoqli 3', ordering: '-relevance' }))[0]).toBe('3');
    expect((await walk({ q: 'sanaqli', ordering: '-relevance' })).toSorted()).toEqual([
      '0',
      '1',
      '2',
      '3',
      '4',
      '5',
      '6',
    ]);
    expect((await walk({ q: 'sanaqli' })).toSorted()).toEqual(['0', '1', '2', '3', '4', '5', '6']);
    expect(await walk({ q: 'sanaqli', ordering: '-published_at' })).toEqual(['6', '5', '4', '3', '2', '1', '0']);
    expect(await walk({ ordering: '-relevance' })).toEqual(['6', '5', '4', '3', '2', '1', '0']);
  });

  test.each([{}, { ordering: 'price' }, { ordering: '-price' }, { q: 'sanoqli', ordering: '-relevance' }])(
    'S-69: a cursor of %j serves its user, filters and order alone',
    async query => {
      const own = { author: seller!.id, limit: 2, ...query };
      const { next } = await pageOf(reader!, own);
      expect(await app.get(reader!, next)).toMatchObject({ status: 200 });
      const foreign = [
        app.get(seller!, next),
        app.get(reader!, `${next}x`),
        app.get(reader!, next.replace('cursor=', 'cursor=A')),
        app.get(reader!, `${next}&intent=sell`),
        app.get(reader!, next.replace('limit=2', 'limit=2&condition=new')),
      ];
      for (const reply of await Promise.all(foreign))
        expect(reply).toMatchObject({ status: 400, body: { code: 'invalid_cursor' } });
    },
  );

  test('a post that comes in between shifts no page', async () => {
    const first = await pageOf(reader!, { author: seller!.id, limit: 4 });
    const { id } = await publish(seller!, { title: 'Orada kelgan' });
    const second = (await app.get(reader!, first.next)).body;
    const seen = [...first.results, ...second.results].map((post: { title: string }) => post.title);
    expect(seen).toEqual(['6', '5', '4', '3', '2', '1', '0'].map(n => `Sanoqli ${n}`));
    await app.delete(seller!, `/api/b2b/posts/${id}/`);
  });
});

describe('the limit of searches', () => {
  const strict = useApp();

  test('S-41: sixty searches a minute and no more; looking without a text goes on', async () => {
    const reader = await buildDealer(strict, { plan: null });
    const replies = await Promise.all(
      Array.from({ length: 61 }, () => strict.get(reader, '/api/b2b/posts/?q=kolodka&limit=1')),
    );
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(60);
    expect(replies.find(({ status }) => status === 429)?.body).toMatchObject({ code: 'rate_limited', retryable: true });
    expect((await strict.get(reader, '/api/b2b/posts/')).status).toBe(200);
  });
});
