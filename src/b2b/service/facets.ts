import { sql } from 'kysely';
import type { Actor, Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import type { Facets } from '../contract/feed.ts';
import type { Names } from '../entities/reference.ts';
import type { Condition } from './filters.ts';
import { nameIn } from './reference.ts';

type Anyone = Context<Actor | null>;

const MOST_VALUES = 50;

interface Counted {
  facet: 'category' | 'brand' | 'condition' | 'region' | 'price';
  value: string | null;
  count: number;
  name: Names | null;
  label: string | null;
  min: string | null;
  max: string | null;
}

/** What the posts that fit can be narrowed by, the most frequent first. */
export async function countFacets(
  ctx: Anyone,
  conditions: readonly Condition[],
  currency: string | undefined,
): Promise<Facets> {
  const found = await rows<Counted>(ctx.em, facetQuery(conditions));
  const of = (facet: Counted['facet']) =>
    found
      .filter(one => one.facet === facet && one.value !== null)
      .slice(0, MOST_VALUES)
      .map(({ value, label, name, count }) => ({
        ...{ value: value!, count },
        label: name === null ? (label ?? value!) : nameIn(name, ctx.locale),
      }));
  const brand = await spelled(ctx, of('brand'));
  const { min = null, max = null } = (currency && found.find(one => one.facet === 'price')) || {};
  return {
    ...{ category: of('category'), brand, condition: of('condition'), region: of('region') },
    price: { min, max },
  };
}

/** A brand that nobody knows is called as its latest post has it: what it is found by is not for people. */
async function spelled({ em }: Anyone, brands: Facets['brand']): Promise<Facets['brand']> {
  const unknown = brands.filter(({ value, label }) => value === label).map(({ value }) => value);
  if (unknown.length === 0) return brands;
  const found = await rows<{ value: string; brand: string }>(
    em,
    sql`select value, brand from unnest(${unknown}::text[]) as value, lateral (
          select brand from posts where brand_norm = value and status = 'published'
          order by published_at desc, id desc limit 1) as latest`,
  );
  const names = new Map(found.map(({ value, brand }) => [value, brand]));
  return brands.map(one => ({ ...one, label: names.get(one.value) ?? one.label }));
}

/** One pass over what fits. A brand is counted once, under whatever name its posts have it, a category with what is below it. */
function facetQuery(conditions: readonly Condition[]) {
  return sql<Counted>`with fitting as materialized (
      select category_id::text as category, brand_norm, condition, region, price from posts where ${sql.join([...conditions], sql` and `)}
    ), counted as (
      select case when grouping(category) = 0 then 'category' when grouping(brand_norm) = 0 then 'brand'
          when grouping(condition) = 0 then 'condition' when grouping(region) = 0 then 'region' else 'price' end as facet,
        coalesce(category, brand_norm, condition, region) as value, count(*)::int as count,
        min(price)::text as min, max(price)::text as max
      from fitting group by grouping sets ((category), (brand_norm), (condition), (region), ())
    ), below as (
      select parent_id::text as category, sum(count) as count from counted join categories on id::text = value
      where facet = 'category' group by parent_id
    )
    select facet, coalesce(b.code, value) as value, (sum(counted.count) + coalesce(min(below.count), 0))::int as count,
      coalesce(c.name, r.name) as name, b.name as label, min(min) as min, max(max) as max
    from counted
    left join brands b on facet = 'brand' and b.keys @> array[value]
    left join categories c on facet = 'category' and c.id::text = value
    left join below on facet = 'category' and below.category = value
    left join regions r on facet = 'region' and r.code = value
    group by facet, coalesce(b.code, value), coalesce(c.name, r.name), b.name
    order by count desc, value`;
}
