import { defineEntity, p } from '@mikro-orm/core';
import type { Locale } from '../../common/messages.ts';

export type Names = Record<Locale, string>;

const CategorySchema = defineEntity({
  name: 'Category',
  tableName: 'categories',
  properties: {
    /** Made from the code, so that it is the same in every installation. */
    id: p.uuid().primary(),
    code: p.string().length(60).unique(),
    parentId: p.uuid().nullable(),
    name: p.json<Names>(),
    /** Its names in all languages, in the form that posts are found by. */
    searchNorm: p.text(),
    sortOrder: p.integer(),
  },
});
/** A kind of part; a tree of two levels. */
export class Category extends CategorySchema.class {}
CategorySchema.setClass(Category);

const BrandSchema = defineEntity({
  name: 'Brand',
  tableName: 'brands',
  indexes: [{ name: 'brands_keys', expression: 'create index brands_keys on brands using gin (keys)' }],
  properties: {
    id: p.uuid().primary(),
    code: p.string().length(60).unique(),
    name: p.string().length(60),
    kind: p.string().length(8).$type<'vehicle' | 'parts'>(),
    aliases: p.array(),
    /** Name and aliases in the form that posts are found by. */
    keys: p.array(),
    sortOrder: p.integer(),
  },
});
/** A maker of vehicles or parts, with all that people call it. */
export class Brand extends BrandSchema.class {}
BrandSchema.setClass(Brand);

const RegionSchema = defineEntity({
  name: 'Region',
  tableName: 'regions',
  properties: {
    code: p.string().length(40).primary(),
    parentCode: p.string().length(40).nullable(),
    name: p.json<Names>(),
    sortOrder: p.integer(),
  },
});
/** A region (ISO 3166-2:UZ), or a district or city in one. */
export class Region extends RegionSchema.class {}
RegionSchema.setClass(Region);

export const referenceEntities = [Category, Brand, Region];
