import { defineEntity, p } from '@mikro-orm/core';
import { User } from '../accounts/entities.ts';
import { referenceEntities } from './entities/reference.ts';
import { savedSearchEntities } from './entities/saved-searches.ts';

export type ProfileStatus = 'none' | 'pending' | 'enabled' | 'rejected' | 'suspended';
export type PostStatus = 'draft' | 'pending' | 'published' | 'rejected' | 'closed' | 'expired' | 'hidden' | 'removed';

export interface Fitment {
  make: string;
  model?: string | undefined;
  year_from?: number | undefined;
  year_to?: number | undefined;
  engine?: string | undefined;
}

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
    price: p.decimal().precision(14).scale(2).nullable(),
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
    publishedAt: p.datetime(3).nullable(),
    bumpedAt: p.datetime(3).nullable(),
    expiresAt: p.datetime(3).nullable(),
    expiresInDays: p.integer().default(30),
    rev: p.integer().default(1),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
});
/** One offer or request on the board. */
export class Post extends PostSchema.class {}
PostSchema.setClass(Post);

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

export const b2bEntities = [...referenceEntities, B2bProfile, Post, PostWord, ...savedSearchEntities];
