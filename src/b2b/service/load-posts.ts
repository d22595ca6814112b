import { DAY_MS } from '../../common/time.ts';
import brandSeeds from '../reference/brands.json' with { type: 'json' };
import categorySeeds from '../reference/categories.json' with { type: 'json' };
import regionSeeds from '../reference/regions.json' with { type: 'json' };
import { formsOfPost } from './normalise.ts';
import { categoryId, keysOf, namesNorm } from './reference.ts';

/** Numbers that look random and are always the same: `draw(n)` gives one after the other, each below its argument. */
function drawing(n: number): (below: number) => number {
  let state = Math.imul(n, 0x9e3779b1) ^ 0x5bd1e995;
  return below => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5;
    return ((state ^ (state >>> 13)) >>> 0) % below;
  };
}

type Draw = ReturnType<typeof drawing>;
const oneOf = <T>(draw: Draw, list: readonly T[]): T => list[draw(list.length)]!;
/** The front of a list more often than its end, as in life. */
const likely = <T>(draw: Draw, list: readonly T[]): T => list[Math.min(draw(list.length), draw(list.length))]!;

const leaves = categorySeeds.filter(({ parent }) => parent !== null);
const words = new Map(leaves.map(({ code, name }) => [code, namesNorm(name)]));
const makers = brandSeeds.filter(({ kind }) => kind === 'parts');
const keys = new Map(brandSeeds.map(brand => [brand.name, keysOf(brand).join(' ')]));
const regions = regionSeeds.filter(({ parent }) => parent === null);
const cities = Map.groupBy(
  regionSeeds.filter(({ parent }) => parent !== null),
  ({ parent }) => parent,
);

const cars: readonly (readonly [make: string, models: readonly string[]])[] = [
  [
    'Chevrolet',
    ['Cobalt', 'Gentra', 'Nexia 3', 'Lacetti', 'Spark', 'Damas', 'Onix', 'Tracker', 'Malibu', 'Captiva', 'Matiz'],
  ],
  ['Daewoo', ['Nexia', 'Matiz', 'Tico', 'Lacetti']],
  ['Lada', ['2107', 'Vesta', 'Granta', 'Niva', 'Largus']],
  ['Hyundai', ['Elantra', 'Sonata', 'Tucson', 'Porter', 'HD 78']],
  ['Kia', ['K5', 'Sportage', 'Rio', 'Sorento', 'Bongo']],
  ['Toyota', ['Camry', 'Corolla', 'Land Cruiser 200', 'Prado', 'RAV4']],
  ['Isuzu', ['NQR', 'NPR', 'FVR']],
  ['MAN', ['TGX', 'TGS', 'TGA']],
  ['Mercedes-Benz', ['Actros', 'Sprinter', 'W211', 'W124']],
  ['BYD', ['Song Plus', 'Han', 'Chazor']],
];
const engines = ['1.2', '1.5', '1.6', '1.8', '2.0', '2.4'];
const spots = {
  uz: ['oldingi', 'orqa', 'chap', 'oʻng', 'yuqori', ''],
  'uz-Cyrl': ['олдинги', 'орқа', 'чап', 'ўнг', ''],
  ru: ['передний', 'задний', 'левый', 'правый', 'верхний', ''],
  en: ['front', 'rear', 'left', 'right', ''],
};
const languages = ['uz', 'uz', 'uz', 'ru', 'ru', 'uz-Cyrl', 'en'] as const;
const remarks = [
  'Asl quti, kafolat bor. Yetkazib beramiz.',
  'Ulgurji narx alohida, 10 donadan boshlab chegirma.',
  'Оригинал, в упаковке. Доставка по области.',
  'Состояние хорошее, снято с рабочей машины.',
  'Ҳолати аъло, кафолат берилади.',
  null,
  null,
  null,
];
const alphabet = 'ABCDEFGHJKLMNPRSTUVWXYZ';

function numberOf(draw: Draw): string {
  const digits = (count: number) => String(draw(10 ** count)).padStart(count, '0');
  switch (draw(4)) {
    case 0:
      return `${digits(5)}-${digits(5)}`;
    case 1:
      return `${digits(4)}${digits(4)}`;
    case 2:
      return `${digits(1)}${oneOf(draw, [...alphabet])}${digits(1)} ${digits(3)} ${digits(3)} ${oneOf(draw, [...alphabet])}`;
    default:
      return `${oneOf(draw, [...alphabet])}${oneOf(draw, [...alphabet])}${digits(4)}-${digits(3)}`;
  }
}

function fitmentOf(draw: Draw) {
  const [make, models] = likely(draw, cars);
  const year_from = 1998 + draw(24);
  return { make, model: likely(draw, models), year_from, year_to: year_from + draw(10), engine: oneOf(draw, engines) };
}

const STEP_MS = 20_000;
const SPAN_MS = 80 * DAY_MS;

/** A made-up part as dealers write them: kinds, cars and languages are as unequal as on a real board. */
export function loadPost(n: number, now: Date) {
  const draw = drawing(n);
  const category = likely(draw, leaves);
  const fitments = Array.from({ length: 1 + draw(3) }, () => fitmentOf(draw));
  const [{ make, model, engine }] = fitments as [ReturnType<typeof fitmentOf>];
  const language = oneOf(draw, languages);
  const brand = likely(draw, makers).name;
  const partNumber = numberOf(draw);
  const region = likely(draw, regions);
  const city = cities.get(region.code)?.[0]?.name[language] ?? region.name[language];
  const title = [category.name[language], oneOf(draw, spots[language]), make, model, engine, brand]
    .filter(Boolean)
    .join(' ');
  const post = {
    ...{ title: title.slice(0, 120), body: oneOf(draw, remarks), brand, city, partNumber, fitments },
    oemNumbers: Array.from({ length: draw(3) }, () => numberOf(draw)),
  };
  const otherWords = [words.get(category.code), keys.get(brand), ...fitments.map(car => keys.get(car.make))].join(' ');
  const { partNorm, searchNorm, brandNorm, cityNorm, fitsNorm, fitsKeys } = formsOfPost(post, otherWords);
  const isInSums = draw(5) > 0;
  return {
    ...{ title: post.title, body: post.body, brand, city, fitments, part_number: partNumber },
    ...{ oem_numbers: post.oemNumbers, category_id: categoryId(category.code), region: region.code },
    intent: draw(10) === 0 ? 'buy' : 'sell',
    condition: oneOf(draw, ['new', 'new', 'used', 'refurbished']),
    price: draw(12) === 0 ? null : isInSums ? (5 + draw(900)) * 5_000 : 5 + draw(900),
    currency: isInSums ? 'UZS' : 'USD',
    quantity: 1 + draw(100),
    ...{
      part_norm: partNorm,
      search_norm: searchNorm,
      brand_norm: brandNorm,
      city_norm: cityNorm,
      fits_norm: fitsNorm,
      fits_keys: fitsKeys,
    },
    at: new Date(now.getTime() - ((n * STEP_MS) % SPAN_MS)),
  };
}
