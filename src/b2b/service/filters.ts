import { type RawBuilder, sql } from 'kysely';
import type { Actor, Context } from '../../common/context.ts';
import { AppError } from '../../common/errors.ts';
import type { SavedFilters } from '../contract/feed.ts';
import type { ResolvedFilters } from '../entities/saved-searches.ts';
import { fitKey, normalisePart, normaliseText } from './normalise.ts';
import { brandKeys, categoriesWithin } from './reference.ts';

type Scope = Pick<Context<Actor | null>, 'em' | 'now'>;
export type Condition = RawBuilder<unknown>;

/** Throws validation_failed for a price without its currency. */
export async function resolveFilters(scope: Scope, filters: Omit<SavedFilters, 'q'>): Promise<ResolvedFilters> {
  const { category, brand, part_number, make, model, city, ...same } = filters;
  if ((same.price_min !== undefined || same.price_max !== undefined) && !same.currency)
    throw new AppError('validation_failed', { fields: [{ path: 'currency', code: 'required_with_price' }] });
  return {
    ...same,
    categories: category === undefined ? undefined : await categoriesWithin(scope, category),
    brands: brand === undefined ? undefined : await brandKeys(scope, brand),
    part: part_number === undefined ? undefined : normalisePart(part_number),
    makes: make === undefined ? undefined : await brandKeys(scope, make),
    model: model === undefined ? undefined : normaliseText(model),
    city: city === undefined ? undefined : normaliseText(city),
  };
}

/** The posts that fit, `q` apart, in SQL over `posts`. */
export function conditionsOf(filters: ResolvedFilters): Condition[] {
  const { intent, categories, brands, part, condition, price_min, price_max, currency, region, city, author } = filters;
  return [
    intent !== undefined && sql`intent = ${intent}`,
    categories !== undefined && sql`category_id = any(${categories}::uuid[])`,
    brands !== undefined && sql`brand_norm = any(${brands}::text[])`,
    part !== undefined && (part === '' ? sql`false` : hasPart(part)),
    ...fitmentConditions(filters),
    condition !== undefined && sql`condition = ${condition}`,
    currency !== undefined && sql`currency = ${currency}`,
    price_min !== undefined && sql`price >= ${price_min}`,
    price_max !== undefined && sql`price <= ${price_max}`,
    region !== undefined && sql`region = ${region}`,
    city !== undefined && sql`city_norm = ${city}`,
    author !== undefined && sql`author_id = ${author}`,
    filters.has_images !== undefined && sql`(images <> '[]') = ${filters.has_images}`,
    filters.created_after !== undefined && sql`created_at > ${filters.created_after}::timestamptz`,
  ].filter(one => typeof one === 'object');
}

/**
 * Looked up apart: PostgreSQL takes a number that few posts have for one of every 200th, and would rather walk the whole
 * board in its order.
 */
export const hasPart = (part: string): Condition =>
  sql`id = any(array(select numbered.id from posts numbered where numbered.part_norm @> array[${part}]::text[]))`;

/** One and the same car: its keys find the rows by their index, the year is looked at in those. */
function fitmentConditions({ makes, model, year }: ResolvedFilters): Condition[] {
  const keys = makes === undefined ? [fitKey('', model)] : makes.map(make => fitKey(make, model));
  return [
    ...(makes === undefined && model === undefined ? [] : [sql`fits_keys && ${keys}::text[]`]),
    ...(year === undefined ? [] : [fitsYear({ makes, model, year })]),
  ];
}

/** A fitment without years is of all of them. */
function fitsYear({ makes, model, year }: ResolvedFilters): Condition {
  return sql`exists (select from jsonb_to_recordset(fits_norm) as car (make text, model text, "from" int, "to" int)
    where ${makes === undefined ? sql`true` : sql`car.make = any(${makes}::text[])`}
      and ${model === undefined ? sql`true` : sql`car.model = ${model}`}
      and ${year}::int between coalesce(car."from", 0) and coalesce(car."to", 9999))`;
}
