import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { operations } from '../../src/b2b/contract.ts';
import type { Limit } from '../../src/common/operations.ts';

type Names = Record<'uz' | 'uz-Cyrl' | 'ru' | 'en', string>;
type Node = { code: string; parent: string | null; name: Names };
type Brand = { code: string; name: string; kind: string; aliases: string[] };
type Fitment = { make: string; model?: string; year_from?: number; year_to?: number; engine?: string };
type Seller = {
  n: number;
  phone: string;
  company_name: string;
  region: string;
  city: string;
  activity: string[];
};
type CataloguePost = {
  seller: number;
  intent: string;
  category: string;
  title: string;
  body: string;
  part_number?: string;
  oem_numbers: string[];
  brand?: string;
  condition: string;
  fitments: Fitment[];
  price: string | null;
  currency?: string;
  unit: string;
  quantity: number;
  region: string;
  city: string;
};

const read = <T>(path: string): T => JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')) as T;
const categories = read<Node[]>('src/b2b/reference/categories.json');
const regions = read<Node[]>('src/b2b/reference/regions.json');
const brands = read<Brand[]>('src/b2b/reference/brands.json');
const { sellers, posts } = read<{ sellers: Seller[]; posts: CataloguePost[] }>('scripts/demo/catalogue.json');

const twice = (values: string[]) => values.filter((value, i) => values.indexOf(value) !== i);
const cyrillic = /\p{Script=Cyrillic}/u;
const latin = /\p{Script=Latin}/u;

describe.each([
  { file: 'categories', nodes: categories, code: /^[a-z0-9]+(-[a-z0-9]+)*$/ },
  { file: 'regions', nodes: regions, code: /^UZ-[A-Z]{2}(-[a-z]+)*$/ },
])('$file', ({ nodes, code }) => {
  test('has unique, well-formed codes', () => {
    expect(twice(nodes.map(node => node.code))).toEqual([]);
    expect(nodes.filter(node => !code.test(node.code))).toEqual([]);
  });

  test('lists a parent before its children', () => {
    const known = new Set<string>();
    const orphans: string[] = [];
    for (const node of nodes) {
      if (node.parent !== null && !known.has(node.parent)) orphans.push(node.code);
      known.add(node.code);
    }
    expect(orphans).toEqual([]);
  });

  test('is named in four languages, each in its own script', () => {
    for (const { code, name } of nodes) {
      expect(Object.keys(name), code).toEqual(['uz', 'uz-Cyrl', 'ru', 'en']);
      for (const value of Object.values(name)) expect(value, code).toMatch(/^\S(.*\S)?$/);
      for (const value of [name.uz, name.en]) expect(value, code).not.toMatch(cyrillic);
      for (const value of [name['uz-Cyrl'], name.ru]) expect(value, code).not.toMatch(latin);
    }
  });

  test('spells Uzbek with its own letters, not with apostrophes', () => {
    expect(nodes.filter(node => /['‘’`´]/.test(node.name.uz))).toEqual([]);
    expect(nodes.filter(node => /[ʻʼ]/.test(node.name['uz-Cyrl'] + node.name.ru))).toEqual([]);
  });

  test('tells siblings apart in every language', () => {
    for (const language of ['uz', 'uz-Cyrl', 'ru', 'en'] as const)
      expect(twice(nodes.map(node => `${node.parent}/${node.name[language]}`))).toEqual([]);
  });
});

test('there are enough categories and brands to browse', () => {
  expect(categories.length).toBeGreaterThanOrEqual(150);
  expect(brands.length).toBeGreaterThanOrEqual(300);
});

test('all fourteen first-level units of ISO 3166-2:UZ have their districts and cities', () => {
  const tops = regions.filter(region => region.parent === null).map(region => region.code);
  const iso = 'AN BU FA JI NG NW QA QR SA SI SU TK TO XO'.split(' ').map(unit => `UZ-${unit}`);
  expect(tops.sort()).toEqual(iso);
  const of = (parent: string, ending: RegExp) =>
    regions.filter(region => region.parent === parent && ending.test(region.name.uz)).length;
  const districts = Object.fromEntries(iso.map(code => [code.slice(3), of(code, / tumani$/)]));
  const cities = Object.fromEntries(iso.map(code => [code.slice(3), of(code, / shahri$/)]));
  expect(districts).toEqual({
    ...{ AN: 14, BU: 11, FA: 15, JI: 12, NG: 13, NW: 8, QA: 14 },
    ...{ QR: 16, SA: 14, SI: 8, SU: 14, TK: 12, TO: 15, XO: 11 },
  });
  expect(cities).toEqual({
    ...{ AN: 2, BU: 2, FA: 4, JI: 1, NG: 1, NW: 3, QA: 2 },
    ...{ QR: 1, SA: 2, SI: 3, SU: 1, TK: 0, TO: 7, XO: 2 },
  });
  for (const region of regions) if (region.parent !== null) expect(region.code).toMatch(`${region.parent}-`);
});

test('brands have unique codes and names, a kind, and no alias that means two of them', () => {
  expect(twice(brands.map(brand => brand.code))).toEqual([]);
  expect(brands.filter(brand => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(brand.code))).toEqual([]);
  expect(brands.filter(brand => !['vehicle', 'parts'].includes(brand.kind))).toEqual([]);
  expect(brands.filter(brand => brand.name.length < 1 || brand.name.length > 60)).toEqual([]);
  expect(twice(brands.flatMap(({ name, aliases }) => [name, ...aliases].map(word => word.toLowerCase())))).toEqual([]);
});

describe('the demo catalogue', () => {
  test('has twelve sellers with numbered phones, each with posts', () => {
    expect(sellers.map(seller => seller.n)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    for (const seller of sellers) {
      expect(seller.phone).toBe(`+998901${String(seller.n).padStart(6, '0')}`);
      expect(seller.company_name).toMatch(/^.{2,120}$/);
      expect(regions.some(({ code, parent }) => code === seller.region && parent === null)).toBe(true);
      expect(seller.activity.filter(kind => !['seller', 'buyer', 'service'].includes(kind))).toEqual([]);
      expect(posts.filter(post => post.seller === seller.n).length).toBeGreaterThanOrEqual(15);
    }
    expect(posts.filter(post => !sellers.some(seller => seller.n === post.seller))).toEqual([]);
  });

  test('can be published on a server with its limits on', () => {
    const [{ points, windowSec }] = operations.createPost.limits as [Limit];
    expect(windowSec).toBe(3_600);
    for (const { n } of sellers) {
      // One tries too early once, and one publishes what fits the saved search.
      const more = [1, posts.find(post => post.part_number === '90919-02252' && post.intent === 'sell')!.seller];
      const calls = posts.filter(post => post.seller === n).length + more.filter(one => one === n).length;
      expect([n, calls <= points]).toEqual([n, true]);
    }
  });

  test('stays within the limits of a post', () => {
    const lengthOf = (text: string) => [...text].length;
    for (const post of posts) {
      const { title } = post;
      expect(lengthOf(title), title).toBeGreaterThanOrEqual(3);
      expect(lengthOf(title), title).toBeLessThanOrEqual(120);
      expect(lengthOf(post.body), title).toBeLessThanOrEqual(5000);
      expect(['sell', 'buy'], title).toContain(post.intent);
      expect(['new', 'used', 'refurbished'], title).toContain(post.condition);
      expect(['pcs', 'set', 'kg', 'l', 'm'], title).toContain(post.unit);
      expect(Number.isInteger(post.quantity) && post.quantity > 0, title).toBe(true);
      expect(post.oem_numbers.length, title).toBeLessThanOrEqual(20);
      for (const number of [...(post.part_number === undefined ? [] : [post.part_number]), ...post.oem_numbers])
        expect(number, title).toMatch(/^\S(.{0,38}\S)?$/);
      expect(post.fitments.length, title).toBeLessThanOrEqual(20);
      for (const { year_from = 1950, year_to = 2100 } of post.fitments) expect(year_from).toBeLessThanOrEqual(year_to);
    }
  });

  test('has well-formed prices, each in a currency', () => {
    for (const { title, price, currency } of posts) {
      if (price === null) {
        expect(currency, title).toBeUndefined();
        continue;
      }
      expect(price, title).toMatch(/^[1-9]\d{0,11}\.\d{2}$/);
      expect(['UZS', 'USD'], title).toContain(currency);
    }
  });

  test('speaks of known categories, brands and regions only', () => {
    const names = new Set(brands.map(brand => brand.name));
    const vehicles = new Set(brands.filter(brand => brand.kind === 'vehicle').map(brand => brand.name));
    for (const post of posts) {
      expect(categories.some(({ code, parent }) => code === post.category && parent !== null)).toBe(true);
      if (post.brand !== undefined) expect(names).toContain(post.brand);
      for (const { make } of post.fitments) expect(vehicles).toContain(make);
      expect(regions.some(({ code, parent }) => code === post.region && parent === null)).toBe(true);
    }
  });

  test('is never refused as a duplicate of its own seller', () => {
    const plain = (text: string) =>
      text
        .normalize('NFKC')
        .toLowerCase()
        .replace(/[^\p{L}\p{N}]/gu, '');
    expect(twice(posts.map(post => `${post.seller} ${plain(post.title)}`))).toEqual([]);
    const numbered = posts.filter(post => post.part_number !== undefined);
    expect(twice(numbered.map(post => `${post.seller} ${plain(post.part_number!)}`))).toEqual([]);
  });

  test('has the ignition coil 90919-02252 on offer and asked for', () => {
    const coils = posts.filter(post => post.part_number === '90919-02252');
    expect(coils.map(post => post.intent).sort()).toEqual(['buy', 'sell']);
  });
});
