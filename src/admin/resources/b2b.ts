import { sql } from 'kysely';
import { z } from 'zod';
import { operations } from '../../b2b/contract.ts';
import { normaliseText } from '../../b2b/service/normalise.ts';
import { plainText } from '../../common/operations.ts';
import { actionsOf, flag, is, madeWithin, nameOf, oneOf, phoneOf, type Resource } from '../registry.ts';

const moderator = ['moderator'] as const;
const readers = ['moderator', 'auditor'] as const;
const profileStatuses = ['pending', 'enabled', 'rejected', 'suspended', 'none'];
const activities = ['seller', 'buyer', 'service'] as const;

const profiles: Resource = {
  name: 'b2b-profiles',
  table: 'b2b_profiles',
  key: 'user_id',
  title: 'company_name',
  view: readers,
  columns: {
    company_name: { type: 'text' },
    user_id: { type: 'id', refers: 'users', detail: true },
    phone: phoneOf('user_id', moderator),
    tin: { type: 'text', for: moderator },
    status: { type: 'choice', choices: profileStatuses },
    is_enabled: { type: 'boolean' },
    is_verified: { type: 'boolean' },
    activity: { type: 'list' },
    region: { type: 'text' },
    city: { type: 'text', detail: true },
    address: { type: 'text', for: moderator, detail: true },
    about: { type: 'text', detail: true },
    hide_phone: { type: 'boolean', detail: true },
    reason: { type: 'text', detail: true },
    updated_at: { type: 'moment', detail: true },
    created_at: { type: 'moment', order: 'user_id' },
  },
  filters: {
    status: oneOf('status', profileStatuses),
    is_enabled: flag(sql`t.is_enabled`, sql`not t.is_enabled`),
    tin: is('text', 'tin', { for: moderator }),
    ...madeWithin('user_id'),
  },
  search: ['company_name'],
  first: sql`t.status = 'pending'`,
  fields: {
    company_name: { type: 'text', schema: plainText.trim().min(2).max(120) },
    tin: { type: 'text', schema: z.string().regex(/^\d{9}$/).nullable(), checkedBy: 'is_verified' }, // biome-ignore format: one line reads better
    activity: { type: 'list', choices: activities, schema: z.array(z.enum(activities)).max(3) },
    city: { type: 'text', schema: plainText.trim().max(80).nullable() },
    address: { type: 'text', schema: plainText.trim().max(300).nullable() },
    about: { type: 'long', schema: plainText.trim().max(2_000).nullable() },
  },
  edit: moderator,
  stamps: { change: ['updated_at'], rev: 'rev' },
  actions: actionsOf(operations.actOnProfiles, {
    enable: { for: moderator },
    reject: { for: moderator, needsReason: true },
    suspend: { for: moderator, needsReason: true },
    verify: { for: moderator },
  }),
  queue: { name: 'b2b_profiles', filter: { status: 'pending' }, where: sql`t.status = 'pending'` },
};

/** Beside `none`, of what was never handed in. */
const reviews = ['pending', 'approved', 'rejected', 'hidden'];
const postStatuses = ['draft', 'pending', 'published', 'rejected', 'closed', 'expired', 'hidden', 'removed'];

const posts: Resource = {
  name: 'posts',
  table: 'posts',
  title: 'title',
  view: readers,
  columns: {
    title: { type: 'text' },
    author_id: { type: 'id', refers: 'b2b-profiles' },
    author_name: nameOf('author_id'),
    status: { type: 'choice', choices: postStatuses },
    intent: { type: 'choice', choices: ['sell', 'buy'] },
    brand: { type: 'text' },
    part_number: { type: 'text' },
    price: { type: 'money' },
    currency: { type: 'text' },
    body: { type: 'text', detail: true },
    oem_numbers: { type: 'list', detail: true },
    fitments: { type: 'json', detail: true },
    condition: { type: 'text', detail: true },
    quantity: { type: 'number', detail: true },
    region: { type: 'text', detail: true },
    city: { type: 'text', detail: true },
    views_count: { type: 'number', detail: true },
    moderation_state: { type: 'text', detail: true },
    moderation_reason: { type: 'text', detail: true },
    published_at: { type: 'moment' },
    expires_at: { type: 'moment', detail: true },
    created_at: { type: 'moment', order: 'id' },
  },
  filters: {
    status: oneOf('status', postStatuses),
    // With POST_MODERATION=post what nobody has looked at yet is on the board, and in no queue.
    moderation_state: oneOf('moderation_state', reviews),
    author_id: is('id', 'author_id'),
    ...madeWithin(),
  },
  searchBy: text => sql`t.search_vector @@ plainto_tsquery('simple', ${normaliseText(text)})`,
  actions: actionsOf(operations.actOnPosts, {
    approve: { for: moderator },
    reject: { for: moderator, needsReason: true },
    hide: { for: moderator, needsReason: true },
    restore: { for: moderator },
  }),
  queue: { name: 'posts', filter: { status: 'pending' }, where: sql`t.status = 'pending'` },
};

const bannedWords: Resource = {
  name: 'banned-words',
  table: 'banned_words',
  title: 'word',
  ordering: 'word',
  view: readers,
  columns: { word: { type: 'text', order: 'word' }, created_at: { type: 'moment', order: 'id' } },
  filters: { word: is('text', 'word') },
  fields: { word: { type: 'text', schema: plainText.trim().min(2).max(60) } },
  create: moderator,
  remove: moderator,
  own: { create: operations.addBannedWord, remove: operations.removeBannedWord },
};

export const b2bResources = [profiles, posts, bannedWords];
