import { sql } from 'kysely';
import { z } from 'zod';
import type { Names } from '../../b2b/entities/reference.ts';
import { keysOf, namesNorm } from '../../b2b/service/reference.ts';
import type { Locale } from '../../common/messages.ts';
import { plainText } from '../../common/operations.ts';
import { type Column, type Field, is, oneOf, type Resource } from '../registry.ts';

const moderator = ['moderator'] as const;
const readers = ['moderator', 'auditor'] as const;
const word = plainText.trim().min(1).max(120);
const place = { sort_order: { type: 'number', schema: z.int().min(0).max(100_000) } } as const;

/** A name in every language is a column and a field for itself. */
const languages: Readonly<Record<string, Locale>> = {
  name_uz: 'uz',
  name_uz_cyrl: 'uz-Cyrl',
  name_ru: 'ru',
  name_en: 'en',
};
const each = <T>(make: (locale: Locale) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(languages).map(([name, locale]) => [name, make(locale)]));
const nameColumns = each((locale): Column => ({ type: 'text', sql: sql`t.name ->> ${sql.lit(locale)}` }));
const nameFields = each((locale): Field => ({ type: 'text', schema: word, within: 'name', part: locale }));
const namesOf = (record: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(languages).map(([name, locale]) => [locale, record[name]])) as Names;

const categories: Resource = {
  name: 'categories',
  table: 'categories',
  title: 'name_uz',
  ordering: 'sort_order',
  view: readers,
  columns: {
    code: { type: 'text' },
    ...nameColumns,
    parent: { type: 'text', sql: sql`(select code from categories c where c.id = t.parent_id)` },
    sort_order: { type: 'number', order: 'sort_order' },
  },
  filters: { code: is('text', 'code'), parent_id: is('id', 'parent_id') },
  fields: { ...nameFields, ...place },
  edit: moderator,
  derive: record => ({ search_norm: namesNorm(namesOf(record)) }),
};

const kinds = ['vehicle', 'parts'] as const;

const brands: Resource = {
  name: 'brands',
  table: 'brands',
  title: 'name',
  ordering: 'sort_order',
  view: readers,
  columns: {
    code: { type: 'text' },
    name: { type: 'text' },
    kind: { type: 'choice', choices: kinds },
    aliases: { type: 'list' },
    sort_order: { type: 'number', order: 'sort_order' },
  },
  filters: { code: is('text', 'code'), kind: oneOf('kind', kinds) },
  fields: {
    name: { type: 'text', schema: plainText.trim().min(1).max(60) },
    aliases: { type: 'list', schema: z.array(plainText.trim().min(1).max(60)).max(30) },
    kind: { type: 'choice', choices: kinds, schema: z.enum(kinds) },
    ...place,
  },
  edit: moderator,
  derive: ({ name, aliases }) => ({ keys: keysOf({ name: name as string, aliases: aliases as string[] }) }),
};

const regions: Resource = {
  name: 'regions',
  table: 'regions',
  key: 'code',
  hasTextKey: true,
  title: 'name_uz',
  ordering: 'sort_order',
  view: readers,
  columns: {
    ...nameColumns,
    parent_code: { type: 'text' },
    sort_order: { type: 'number', order: 'sort_order' },
  },
  filters: { parent_code: is('text', 'parent_code') },
  fields: { ...nameFields, ...place },
  edit: moderator,
};

export const referenceResources = [categories, brands, regions];
