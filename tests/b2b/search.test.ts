import { beforeAll, describe, expect, test } from 'vitest';
import { categoryId } from '../../src/b2b/service/reference.ts';
import { type TestUser, useApp } from '../support/app.ts';
import { buildDealer } from '../support/worlds.ts';

const app = useApp({ RATE_LIMITS: 'relaxed' });

/** What is on the board, by the name that the tables below call it. */
const board = {
  seat: { title: 'Oʻrindiq gʻilofi', category_id: categoryId('seats') },
  coil: { title: 'Катушка зажигания', part_number: '90919-02252', brand: 'Denso' },
  longerNumber: { title: 'Ryukzak ilgagi', part_number: '90919-022521' },
  pads: { title: 'Тормозные колодки передние', part_number: 'АВ-1234', brand: 'Bosch' },
  lacetti: { title: 'Lacetti 1.6 bamper', brand: 'Шевроле', fitments: [{ make: 'Chevrolet', model: 'Lacetti' }] },
  brush: { title: 'Щётка стеклоочистителя' },
  cylinder: { title: 'Цилиндр сцепления', part_number: '06A 905 115 D' },
  glue: { title: 'Yelim germetik' },
  oil: { title: 'Motul 5W-40 4l', body: 'Sintetika, original' },
  hub: { title: 'Гидравлик насос', body: 'Номер 1K0407621' },
  shock: { title: 'Amortizator KYB', oem_numbers: ['333.114', '48510-09J50'] },
  question: { title: 'Фара левая', body: 'Ҳолати аъло, ўрнатиб берамиз' },
  pump: { title: 'Suv nasosi 06H 121 026 CQ, asl', body: 'Номер А 651 180 01 09. Есть 4 шт' },
  tyre: { title: 'Shina 205/55 R16 91V' },
  bolt: { title: 'Болт М8×1,25' },
  lamp: { title: 'Lampa H7 55W' },
  lampOfCyrillic: { title: 'Лампа Н4' },
  battery: { title: 'İnci akü 60 Ah', body: 'АКБ, за́мок в подарок', brand: 'O´zAkku' },
} satisfies Record<string, object>;
type Name = keyof typeof board;

let buyer: TestUser;
const nameOf = new Map<string, Name>();

beforeAll(async () => {
  buyer = await buildDealer(app, { plan: null });
  const seller = await buildDealer(app);
  for (const [name, post] of Object.entries(board)) {
    const { status, body } = await app.post(seller, '/api/b2b/posts/', post);
    expect(status, JSON.stringify(body)).toBe(201);
    nameOf.set(body.id, name as Name);
  }
});

async function found(query: Record<string, string>): Promise<string[]> {
  const { status, body } = await app.get(buyer, `/api/b2b/posts/?${new URLSearchParams(query)}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body.results.map((post: { id: string }) => nameOf.get(post.id));
}

const spellings: readonly (readonly [q: string, finds: Name])[] = [
  // a number, whole and begun, with every separator and look-alike letters
  ['90919-02252', 'coil'],
  ['9091902252', 'coil'],
  ['90919 02252', 'coil'],
  ['90919.02252', 'coil'],
  ['90919/02252', 'coil'],
  ['９０９１９－０２２５２', 'coil'],
  ['AB-1234', 'pads'],
  ['ab1234', 'pads'],
  ['АВ1234', 'pads'],
  ['ав 1234', 'pads'],
  ['06A905115D', 'cylinder'],
  ['06a-905-115-d', 'cylinder'],
  ['06А 905 115', 'cylinder'],
  ['333114', 'shock'],
  ['333-114', 'shock'],
  ['4851009J50', 'shock'],
  ['48510-09j', 'shock'],
  ['1k0 407 621', 'hub'],
  ['1K0-407-621', 'hub'],
  ['5W40', 'oil'],
  ['5w-40', 'oil'],
  // Uzbek in both scripts, with every apostrophe
  ['Oʻrindiq', 'seat'],
  ["O'rindiq", 'seat'],
  ['O‘rindiq', 'seat'],
  ['O’rindiq', 'seat'],
  ['O`rindiq', 'seat'],
  ['O´rindiq', 'seat'],
  ['orindiq', 'seat'],
  ['ORINDIQ', 'seat'],
  ['Ўриндиқ', 'seat'],
  ['ўриндиқ ғилофи', 'seat'],
  ["g'ilof", 'seat'],
  ['ғилоф', 'seat'],
  ['gilofi orindiq', 'seat'],
  ['holati alo', 'question'],
  ['ҳолати аъло', 'question'],
  ["o'rnatib beramiz", 'question'],
  ['елим', 'glue'],
  ['Елим герметик', 'glue'],
  // Russian, typed in Cyrillic and in Latin
  ['катушка', 'coil'],
  ['КАТУШКА ЗАЖИГАНИЯ', 'coil'],
  ['katushka', 'coil'],
  ['тормозные', 'pads'],
  ['тормоз', 'pads'],
  ['tormoz', 'pads'],
  ['tormoznie kolodki', 'pads'],
  ['щётка', 'brush'],
  ['щетка', 'brush'],
  ['shyotka', 'brush'],
  ['цилиндр', 'cylinder'],
  ['silindr', 'cylinder'],
  ['tsilindr', 'cylinder'],
  ['гидравлик', 'hub'],
  ['gidravlik nasos', 'hub'],
  ['фара', 'question'],
  // a short code in letters of the other script
  ['лампа Н7', 'lamp'],
  ['лампа н7 55w', 'lamp'],
  ['lampa H4', 'lampOfCyrillic'],
  ['лампа Н4', 'lampOfCyrillic'],
  // a number that is written with blanks
  ['06H121026', 'pump'],
  ['06h121026cq', 'pump'],
  ['06H-121-026-CQ', 'pump'],
  ['A6511800109', 'pump'],
  ['6511800109', 'pump'],
  ['205/55R16', 'tyre'],
  ['shina 205/55r16', 'tyre'],
  ['акб 60ah', 'battery'],
  // and the other way round, among other words
  ['сцепление 06А 905 115 D', 'cylinder'],
  ['гидравлик 1K0 407 621', 'hub'],
  ['shina 91 V 205/55 R16', 'tyre'],
  // a size by the sign, and by either letter that people type for it
  ['bolt M8x1.25', 'bolt'],
  ['болт М8х1,25', 'bolt'],
  ['М8×1.25', 'bolt'],
  // a loose accent belongs to its letter
  ['inci aku', 'battery'],
  ['замок', 'battery'],
  // brands and categories by all their names
  ['Шевроле', 'lacetti'],
  ['chevrolet', 'lacetti'],
  ['Денсо', 'coil'],
  ['denso katushka', 'coil'],
  ['seats', 'seat'],
  ['сиденья', 'seat'],
  ['lacetti 1.6', 'lacetti'],
  ['lacetti 1,6', 'lacetti'],
  ['бампер', 'lacetti'],
  // a slip of the finger
  ['katuhska', 'coil'],
  ['amartizator', 'shock'],
  ['амартизатор', 'shock'],
  ['orindik', 'seat'],
  ['тармозные', 'pads'],
  ['lasetti', 'lacetti'],
];

test.each(spellings)('“%s” finds the %s', async (q, finds) => {
  expect(await found({ q })).toContain(finds);
});

test.each(["O'zAkku", 'OʻzAkku', 'O´zakku', 'ўзакку', 'ozakku'])('the brand “%s” is one with O´zAkku', async brand => {
  expect(await found({ brand })).toEqual(['battery']);
});

const strangers: readonly (readonly [q: string, misses: Name | 'all'])[] = [
  ['90919-02252', 'longerNumber'],
  ['9091902252', 'longerNumber'],
  ['90919-02253', 'all'],
  ['0919-02252', 'all'],
  ['AB-1235', 'all'],
  ['AB-12345', 'all'],
  ['06A905115E', 'all'],
  ['5w-50', 'all'],
  ['1K0407622', 'all'],
  ['333115', 'all'],
  ['orindiq', 'coil'],
  ['тормоз', 'coil'],
  ['tormoz', 'shock'],
  ['катушка', 'pads'],
  ['rindiq', 'coil'],
  ['06H121027', 'all'],
  ['гидравлик 1K0 407 622', 'all'],
  ['01094', 'all'],
  ['shina 205/55r17', 'all'],
  ['лампа Н1', 'all'],
  ['lampa H7', 'lampOfCyrillic'],
  ['lacetti 1.8', 'all'],
  ['lacetti 16', 'all'],
  ['Шевроле', 'coil'],
  ['Nexia', 'all'],
  ['yog filtri', 'all'],
  ['щетка', 'glue'],
  ['silindr katushka', 'all'],
  ['radiator', 'all'],
  ['ab', 'coil'],
  ['汽车', 'all'],
  ['!!!', 'all'],
  ['---', 'all'],
];

test.each(strangers)('“%s” does not find (%s)', async (q, misses) => {
  const names = await found({ q });
  if (misses === 'all') expect(names).toEqual([]);
  else expect(names).not.toContain(misses);
});

test('an exact number is found alone, although others begin with it', async () => {
  expect(await found({ q: '90919-02252' })).toEqual(['coil']);
  expect(await found({ q: '90919-022521' })).toEqual(['longerNumber']);
  expect((await found({ q: '90919' })).toSorted()).toEqual(['coil', 'longerNumber']);
});

test('a word as it is written hides what is only like it', async () => {
  expect(await found({ q: 'bosch' })).toEqual(['pads']);
  expect(await found({ q: 'boshc' })).toEqual(['pads']);
});

describe('S-51: signs that mean something elsewhere', () => {
  const signs = [
    "'",
    '%',
    '_',
    '\\',
    ':*',
    '!',
    '&',
    '|',
    '(',
    '<->',
    "'; drop table posts; --",
    'a\u0000b',
    '*'.repeat(90),
  ];
  const filters = [
    'q',
    'part_number',
    'brand',
    'category',
    'make',
    'model',
    'city',
    'region',
    'cursor',
    'ordering',
    'author',
  ];

  test.each(filters)('find nothing more and break nothing in %s', async filter => {
    for (const sign of signs) {
      const { status, body } = await app.get(buyer, `/api/b2b/posts/?${new URLSearchParams({ [filter]: sign })}`);
      expect([200, 400], `${filter}=${sign}: ${JSON.stringify(body)}`).toContain(status);
      if (status === 200) expect(body.results, `${filter}=${sign}`).toEqual([]);
    }
  });

  test('in suggestions and brands neither', async () => {
    for (const sign of signs)
      for (const path of ['suggest', 'brands']) {
        const { status, body } = await app.get(buyer, `/api/b2b/${path}/?${new URLSearchParams({ q: `${sign} ` })}`);
        expect([200, 400], `${path} ${sign}`).toContain(status);
        if (status === 200) expect(body.results.filter((one: { text?: string }) => one.text === sign)).toEqual([]);
      }
  });
});

test('S-52: a hundred characters of bait are answered at once', async () => {
  const startedAt = performance.now();
  for (const q of [`${'a'.repeat(99)}!`, '-'.repeat(100), `${'1.'.repeat(50)}`, 'ё'.repeat(100)])
    expect((await app.get(buyer, `/api/b2b/posts/?${new URLSearchParams({ q })}`)).status).toBe(200);
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});

test('S-62: a parameter twice is refused, one with brackets is none of ours', async () => {
  expect(await app.get(buyer, '/api/b2b/posts/?brand=a&brand=b')).toMatchObject({
    status: 400,
    body: { code: 'duplicate_parameter' },
  });
  for (const query of ['q[]=x', 'q[a]=x', '__proto__=x', 'constructor[prototype]=x'])
    expect((await app.get(buyer, `/api/b2b/posts/?${query}`)).status).toBe(200);
});
