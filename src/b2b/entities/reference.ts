import { defineEntity, p } from '@mikro-orm/core';
import type { Locale } from '../../common/messages.ts';

export type Names = Record<Locale, string>;

const CategorySchema = defineEntity({
  name: 'Category',
  tableName: 'categories',
  properties: {
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
