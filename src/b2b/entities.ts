import { defineEntity, p } from '@mikro-orm/core';
import { User } from '../accounts/entities.ts';
import type * as views from './contract/shapes.ts';
import { referenceEntities } from './entities/reference.ts';
import { savedSearchEntities } from './entities/saved-searches.ts';

export type ProfileStatus = views.Profile['status'];
export type PostStatus = views.Post['status'];
export type Fitment = views.Post['fitments'][number];
/** As it is shown; the upload itself is attached to the post. */
export type PostImage = views.Post['images'][number];
/** `none` before it is published; `pending` until a moderator looked at it, whether or not it is on the board meanwhile. */
export type ModerationState = NonNullable<views.Post['moderation']>['state'];

/** One car that a part fits, in the form that `make`, `model` and `year` are compared with. */
export interface NormalFitment {
  make: string;
  model: string | null;
  from: number | null;
  to: number | null;
}

const B2bProfileSchema = defineEntity({
  name: 'B2bProfile',
  tableName: 'b2b_profiles',
  indexes: [
    { name: 'b2b_profiles_by_status', properties: ['status', 'user'] },
    { name: 'b2b_profiles_by_tin', properties: ['tin'] },
    {
      name: 'b2b_profiles_names',
      expression: 'create index b2b_profiles_names on b2b_profiles using gin (company_name gin_trgm_ops)',
    },
    // Staff see first who waits for them.
    {
      name: 'b2b_profiles_pending_first',
      expression: "create index b2b_profiles_pending_first on b2b_profiles ((status = 'pending'), user_id)",
    },
  ],
  properties: {
    user: () => p.manyToOne(User).mapToPk().deleteRule('cascade').primary(),
    companyName: p.string().length(120).nullable(),
    tin: p.string().length(9).nullable(),
    activity: p.array().default([]),
    region: p.string().length(16).nullable(),
    city: p.string().length(80).nullable(),
    address: p.string().length(300).nullable(),
    about: p.text().nullable(),
    hidePhone: p.boolean().default(false),
    logoUploadId: p.uuid().nullable(),
    logoUrl: p.text().nullable(),
    isEnabled: p.boolean().default(false),
    isVerified: p.boolean().default(false),
    status: p.string().length(16).$type<ProfileStatus>().default('pending'),
    reason: p.text().nullable(),
    rev: p.integer().default(1),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
});
/** A user's company; `isEnabled`, set by an operator, opens the board. */
export class B2bProfile extends B2bProfileSchema.class {}
B2bProfileSchema.setClass(B2bProfile);

const PostSchema = defineEntity({
  name: 'Post',
  tableName: 'posts',
  indexes: [
    {
      name: 'posts_feed',
      expression: "create index posts_feed on posts (published_at desc, id desc) where status = 'published'",
    },
    { name: 'posts_by_status', properties: ['status', 'id'] },
    {
      name: 'posts_part_norm',
      expression: 'create index posts_part_norm on posts using gin (part_norm) with (fastupdate = off)',
    },
    {
      name: 'posts_search_vector',
      expression: 'create index posts_search_vector on posts using gin (search_vector) with (fastupdate = off)',
    },
    {
      name: 'posts_cheapest',
      expression:
        "create index posts_cheapest on posts (coalesce(price, 10000000000000), id) where status = 'published'",
    },
    {
      name: 'posts_dearest',
      expression: "create index posts_dearest on posts (coalesce(price, -1) desc, id desc) where status = 'published'",
    },
    {
      name: 'posts_of_category',
      expression:
        "create index posts_of_category on posts (category_id, published_at desc, id desc) where status = 'published'",
    },
    {
      name: 'posts_of_brand',
      expression:
        "create index posts_of_brand on posts (brand_norm, published_at desc, id desc) where status = 'published'",
    },
    {
      name: 'posts_fits_keys',
      expression: 'create index posts_fits_keys on posts using gin (fits_keys) with (fastupdate = off)',
    },
    { properties: ['author', 'createdAt'] },
    { properties: ['author', 'countedAt'] },
    {
      name: 'posts_lifetime',
      expression: "create index posts_lifetime on posts (expires_at) where status = 'published'",
    },
    {
      name: 'posts_to_review',
      expression: "create index posts_to_review on posts (id) where moderation_state = 'pending'",
    },
  ],
  properties: {
    id: p.uuid().primary(),
    author: () => p.manyToOne(User).mapToPk().deleteRule('cascade'),
    status: p.string().length(16).$type<PostStatus>(),
    intent: p.string().length(4).$type<'sell' | 'buy'>(),
    title: p.string().length(120),
    body: p.text().nullable(),
    categoryId: p.uuid().nullable(),
    partNumber: p.string().length(40).nullable(),
    oemNumbers: p.array().default([]),
    brand: p.string().length(60).nullable(),
    condition: p.string().length(16).$type<'new' | 'used' | 'refurbished'>().nullable(),
    fitments: p.json<Fitment[]>(),
    images: p.json<PostImage[]>().defaultRaw("'[]'"),
    price: p.decimal().precision(15).scale(2).nullable(),
    currency: p.string().length(3).nullable(),
    priceNegotiable: p.boolean().default(false),
    unit: p.string().length(4).nullable(),
    quantity: p.integer().nullable(),
    minOrderQty: p.integer().nullable(),
    region: p.string().length(16).nullable(),
    city: p.string().length(80).nullable(),
    /** Part numbers in the form in which all their spellings are one (rest.md, section 5). */
    partNorm: p.array(),
    searchNorm: p.text(),
    searchVector: p
      .text()
      .columnType('tsvector')
      .generated("(to_tsvector('simple', search_norm)) stored")
      .nullable()
      .lazy(),
    brandNorm: p.text().nullable(),
    cityNorm: p.text().nullable(),
    fitsNorm: p.json<NormalFitment[]>().default([]),
    fitsKeys: p.array().default([]),
    /** When saved searches were matched with it: once, however often it is published. */
    matchedAt: p.datetime(3).nullable(),
    viewsCount: p.integer().default(0),
    favoritesCount: p.integer().default(0),
    moderationState: p.string().length(8).$type<ModerationState>().default('none'),
    /** Why it was rejected or hidden; for its owner alone. */
    moderationReason: p.text().nullable(),
    closeReason: p.string().length(8).$type<'sold' | 'bought' | 'other'>().nullable(),
    /** When it took its one unit of a month. */
    countedAt: p.datetime(3).nullable(),
    publishedAt: p.datetime(3).nullable(),
    bumpedAt: p.datetime(3).nullable(),
    expiresAt: p.datetime(3).nullable(),
    expiresInDays: p.integer().default(30),
    /** The author was told that this lifetime ends soon. */
    expiringToldAt: p.datetime(3).nullable(),
    renewedAt: p.datetime(3).nullable(),
    rev: p.integer().default(1),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
});
/** One offer or request on the board. */
export class Post extends PostSchema.class {
  /** The status by dates: a job that ends lifetimes may be late, what they allow is not. */
  statusAt(now: Date): PostStatus {
    return this.status === 'published' && this.expiresAt && this.expiresAt <= now ? 'expired' : this.status;
  }
}
PostSchema.setClass(Post);

const FavoriteSchema = defineEntity({
  name: 'Favorite',
  tableName: 'favorites',
  indexes: [{ properties: ['user', 'id'] }],
  properties: {
    user: () => p.manyToOne(User).mapToPk().deleteRule('cascade').primary(),
    post: () => p.manyToOne(Post).mapToPk().deleteRule('cascade').primary(),
    id: p.uuid(),
    createdAt: p.datetime(3),
  },
});
/** A post that a user keeps. */
export class Favorite extends FavoriteSchema.class {}
FavoriteSchema.setClass(Favorite);

const PostViewSchema = defineEntity({
  name: 'PostView',
  tableName: 'post_views',
  properties: {
    day: p.date().primary(),
    postId: p.uuid().primary(),
    userId: p.uuid().primary(),
  },
});
/** Who has seen a post on a day of BILLING_TZ, so that it counts once; forgotten when the day is over. */
export class PostView extends PostViewSchema.class {}
PostViewSchema.setClass(PostView);

const ContactRevealSchema = defineEntity({
  name: 'ContactReveal',
  tableName: 'contact_reveals',
  properties: {
    user: () => p.manyToOne(User).mapToPk().deleteRule('cascade').primary(),
    /** In BILLING_TZ. */
    day: p.date().primary(),
    postId: p.uuid().primary(),
    author: () => p.manyToOne(User).mapToPk().deleteRule('cascade').index(),
    createdAt: p.datetime(3),
  },
});
/** Who was shown whose phone number, and over which post; once a day counts. */
export class ContactReveal extends ContactRevealSchema.class {}
ContactRevealSchema.setClass(ContactReveal);

const BannedWordSchema = defineEntity({
  name: 'BannedWord',
  tableName: 'banned_words',
  properties: {
    id: p.uuid().primary(),
    /** In its own script, lower case; `*` at its end stands for any ending. */
    word: p.string().length(60).unique(),
    createdAt: p.datetime(3),
  },
});
/** A word or phrase that no post may hold. */
export class BannedWord extends BannedWordSchema.class {}
BannedWordSchema.setClass(BannedWord);

const PostWordSchema = defineEntity({
  name: 'PostWord',
  tableName: 'post_words',
  indexes: [
    {
      name: 'post_words_trigrams',
      expression:
        'create index post_words_trigrams on post_words using gin (word gin_trgm_ops) with (fastupdate = off)',
    },
  ],
  properties: { word: p.text().primary() },
});
/** The words that posts are found by: what a misspelt word is compared with. */
export class PostWord extends PostWordSchema.class {}
PostWordSchema.setClass(PostWord);

export const b2bEntities = [
  ...referenceEntities,
  B2bProfile,
  Post,
  PostWord,
  Favorite,
  PostView,
  ContactReveal,
  BannedWord,
  ...savedSearchEntities,
];
