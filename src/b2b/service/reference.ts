import { sql } from 'kysely';
import type { Actor, Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import { namedId } from '../../common/ids.ts';
import type { Locale } from '../../common/messages.ts';
import type { Input, Output } from '../../common/operations.ts';
import type { referenceOperations } from '../contract/reference.ts';
import { Category, type Names, Region } from '../entities/reference.ts';
import brandSeeds from '../reference/brands.json' with { type: 'json' };
import categorySeeds from '../reference/categories.json' with { type: 'json' };
import regionSeeds from '../reference/regions.json' with { type: 'json' };
import { indexedWords, normaliseText } from './normalise.ts';

type Anyone = Context<Actor | null>;
type Scope = Pick<Context, 'em'>;

export const nameIn = (name: Names, locale: Locale | undefined): string => name[locale ?? 'uz'];

/** The categories of parts, as a tree. */
export async function listCategories({
  em,
  locale,
}: Anyone): Promise<Output<typeof referenceOperations.listCategories>> {
  const found = await em.findAll(Category, { orderBy: { sortOrder: 'asc' }, disableIdentityMap: true });
  const children = Map.groupBy(found, category => category.parentId);
  const present = ({ id, code, name }: Category) => ({ id, code, name: nameIn(name, locale) });
  const roots = children.get(null) ?? [];
  return {
    results: roots.map(root => ({ ...present(root), children: (children.get(root.id) ?? []).map(present) })),
  };
}

/** The regions of Uzbekistan with their districts and cities. */
export async function listRegions({ em, locale }: Anyone): Promise<Output<typeof referenceOperations.listRegions>> {
  const found = await em.findAll(Region, { orderBy: { sortOrder: 'asc' }, disableIdentityMap: true });
  const children = Map.groupBy(found, region => region.parentCode);
  const present = ({ code, name }: Region) => ({ code, name: nameIn(name, locale) });
  const roots = children.get(null) ?? [];
  return {
    results: roots.map(root => ({ ...present(root), children: (children.get(root.code) ?? []).map(present) })),
  };
}

/** The known makers; with `q` those that people call so, in any script. */
export async function listBrands(
  { em }: Anyone,
  { q = '' }: Input<typeof referenceOperations.listBrands>,
): Promise<Output<typeof referenceOperations.listBrands>> {
  const begins = `${normaliseText(q)}%`;
  const found = await rows<Output<typeof referenceOperations.listBrands>['results'][number]>(
    em,
    sql`select code, name, kind from brands
        where ${q.trim() === ''} or ${begins} <> '%' and exists (select from unnest(keys) as key where key like ${begins})
        order by sort_order`,
  );
  return { results: found };
}

/** Refuses a category that does not exist. Throws validation_failed. */
export async function ensureCategory({ em }: Scope, categoryId: string): Promise<void> {
  const found = await em.count(Category, { id: categoryId });
  if (found === 0) throw new AppError('validation_failed', { fields: [{ path: 'category_id', code: 'unknown' }] });
}

/** A category by id, code or one of its names, with those below it; none for an unknown one. */
export async function categoriesWithin({ em }: Scope, category: string): Promise<string[]> {
  const found = await rows<{ id: string }>(
    em,
    sql`with known as (select id from categories where id::text = ${category.toLowerCase()} or code = ${category}),
          asked as (select id from known union all
            select id from categories
            where not exists (select from known) and ${category} in (select value from jsonb_each_text(name)))
        select id from categories where id in (select id from asked) or parent_id in (select id from asked)`,
  );
  return found.map(({ id }) => id);
}

/** All that people call a brand, normalised; of an unknown one its own name. */
export async function brandKeys({ em }: Scope, brand: string): Promise<string[]> {
  const key = normaliseText(brand);
  const found = await rows<{ keys: string[] }>(
    em,
    sql`select keys from brands where keys @> ${[key]}::text[] or code = ${brand}`,
  );
  return [...new Set([key, ...found.flatMap(({ keys }) => keys)])].filter(Boolean);
}

/** All that people call each of these normalised names of brands by now; of an unknown one its own name. */
export async function brandNames({ em }: Scope, names: readonly string[]): Promise<ReadonlyMap<string, string[]>> {
  if (names.length === 0) return new Map();
  const found = await rows<{ keys: string[] }>(em, sql`select keys from brands where keys && ${names}::text[]`);
  const calledSo = (name: string) => found.flatMap(({ keys }) => (keys.includes(name) ? keys : []));
  return new Map(names.map(name => [name, [...new Set([name, ...calledSo(name)])]]));
}

/**
 * Adds the categories, brands and regions that are missing; what exists stays as staff have left it. Goes with every
 * migration, so a new release brings its new entries.
 */
export async function seedReference({ em }: Scope): Promise<void> {
  await rows(
    em,
    sql`insert into categories (id, code, parent_id, name, search_norm, sort_order)
        select id, code, parent_id, name, search_norm, sort_order from jsonb_to_recordset(${JSON.stringify(categoryRows())}::jsonb)
          as given (id uuid, code text, parent_id uuid, name jsonb, search_norm text, sort_order int)
        on conflict do nothing`,
  );
  await rows(
    em,
    sql`insert into brands (id, code, name, kind, aliases, keys, sort_order)
        select id, code, name, kind, aliases, keys, sort_order from jsonb_to_recordset(${JSON.stringify(brandRows())}::jsonb)
          as given (id uuid, code text, name text, kind text, aliases text[], keys text[], sort_order int)
        on conflict do nothing`,
  );
  await rows(
    em,
    sql`insert into regions (code, parent_code, name, sort_order)
        select code, parent, name, sort_order from jsonb_to_recordset(${JSON.stringify(regionSeeds.map(numbered))}::jsonb)
          as given (code text, parent text, name jsonb, sort_order int)
        on conflict do nothing`,
  );
}

/** The same in every installation. */
export const categoryId = (code: string): string => namedId(`category/${code}`);

const numbered = <Seed extends object>(seed: Seed, index: number) => ({ ...seed, sort_order: index });

const categoryRows = () =>
  categorySeeds.map(({ code, parent, name }, index) => ({
    ...{ id: categoryId(code), code, parent_id: parent === null ? null : categoryId(parent), name, sort_order: index },
    search_norm: namesNorm(name),
  }));

const brandRows = () =>
  brandSeeds.map((seed, index) => ({
    ...numbered(seed, index),
    id: namedId(`brand/${seed.code}`),
    keys: keysOf(seed),
  }));

/** Of a category: every word of all its names. */
export const namesNorm = (name: Names): string => [...new Set(Object.values(name).flatMap(indexedWords))].join(' ');

/** Of a brand: its names in the form that posts are found by. Nothing is left of one in Chinese, which would be a name of anything Chinese. */
export const keysOf = ({ name, aliases }: { name: string; aliases: readonly string[] }): string[] => [
  ...new Set([name, ...aliases].map(normaliseText).filter(Boolean)),
];
