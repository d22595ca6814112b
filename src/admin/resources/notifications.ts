import { sql } from 'kysely';
import { z } from 'zod';
import { plainText } from '../../common/operations.ts';
import { operations } from '../../notifications/contract.ts';
import { type Column, type Field, madeWithin, nameOf, type Resource } from '../registry.ts';

const languages = ['uz', 'ru', 'en'] as const;
const audiences = ['all', 'businesses'] as const;

const column = (part: string, locale: string): Column => ({
  type: 'text',
  sql: sql`t.text -> ${sql.lit(part)} ->> ${sql.lit(locale)}`,
  ...(locale !== 'uz' && { detail: true }),
});
const field = (part: string, locale: string, most: number): Field => ({
  ...{ type: part === 'body' ? 'long' : 'text', within: part, part: locale },
  schema: plainText.trim().min(1).max(most),
});
const inAll = <T>(part: string, make: (locale: string) => T) =>
  Object.fromEntries(languages.map(locale => [`${part}_${locale}`, make(locale)]));

/** Announcements to many users; other notifications are nobody's business but their owners'. */
const announcements: Resource = {
  name: 'notifications',
  table: 'broadcasts',
  title: 'title_uz',
  view: ['auditor'],
  columns: {
    ...inAll('title', locale => column('title', locale)),
    ...inAll('body', locale => ({ ...column('body', locale), detail: true as const })),
    audience: { type: 'choice', choices: audiences },
    count: { type: 'number' },
    sent: { type: 'number' },
    actor_name: nameOf('actor_id'),
    finished_at: { type: 'moment' },
    created_at: { type: 'moment', order: 'id' },
  },
  filters: madeWithin(),
  fields: {
    ...inAll('title', locale => field('title', locale, 120)),
    ...inAll('body', locale => field('body', locale, 1_000)),
    audience: { type: 'choice', choices: audiences, schema: z.enum(audiences).default('all') },
  },
  create: [],
  own: { create: operations.broadcast },
  isPreviewed: true,
};

export const notificationsResources = [announcements];
