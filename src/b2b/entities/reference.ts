import { defineEntity, p } from '@mikro-orm/core';

const CategorySchema = defineEntity({
  name: 'Category',
  tableName: 'categories',
  properties: {
    id: p.uuid().primary(),
    code: p.string().length(60).unique(),
    parentId: p.uuid().nullable(),
    /** By language. */
    name: p.json<Record<string, string>>(),
    sortOrder: p.integer().default(0),
  },
});
/** A kind of part, in a tree. */
export class Category extends CategorySchema.class {}
CategorySchema.setClass(Category);
