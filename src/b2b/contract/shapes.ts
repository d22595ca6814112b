import { z } from 'zod';
import { PublicUser } from '../../accounts/contract/shapes.ts';
import { anyId, moment, plainText } from '../../common/operations.ts';
import regionSeeds from '../reference/regions.json' with { type: 'json' };

const regions = regionSeeds.filter(({ parent }) => parent === null).map(({ code }) => code);
export const Region = z
  .enum(regions as [string, ...string[]])
  .describe('ISO 3166-2:UZ.')
  .meta({ example: 'UZ-TK' });
export const Currency = z.enum(['UZS', 'USD']);
export const Intent = z.enum(['sell', 'buy']);
export const Condition = z.enum(['new', 'used', 'refurbished']);
export const PartNumber = plainText.trim().min(1).max(40);

const line = (most: number) => plainText.trim().min(1).max(most);
const year = z.int().min(1900).max(2100);

export const Fitment = z
  .object({
    make: line(60),
    model: line(60).optional(),
    year_from: year.optional(),
    year_to: year.optional(),
    engine: line(60).optional(),
  })
  .refine(({ year_from, year_to }) => year_from === undefined || year_to === undefined || year_from <= year_to, {
    path: ['year_to'],
    error: 'before_year_from',
  })
  .meta({ id: 'Fitment' });

/** Money travels as a string with two decimals; a number is taken too. */
const price = z
  .union([
    z.number().multipleOf(0.01),
    z
      .string()
      .regex(/^\d{1,13}(\.\d{1,2})?$/)
      .transform(Number),
  ])
  .pipe(z.number().min(0).max(1e12))
  .describe('null: on request.');

const postFields = {
  title: line(120).min(3),
  body: plainText.trim().max(5_000).nullish(),
  intent: Intent.default('sell'),
  category_id: anyId.nullish(),
  part_number: PartNumber.nullish(),
  oem_numbers: z.array(PartNumber).max(20).default([]),
  brand: line(60).nullish(),
  condition: Condition.nullish(),
  fitments: z.array(Fitment).max(20).default([]),
  price: price.nullish(),
  currency: Currency.nullish(),
  price_negotiable: z.boolean().default(false),
  unit: z.enum(['pcs', 'set', 'kg', 'l', 'm']).nullish(),
  quantity: z.int().min(0).max(1_000_000_000).nullish(),
  min_order_qty: z.int().min(1).max(1_000_000_000).nullish(),
  region: Region.nullish().describe("ISO 3166-2:UZ; the profile's if not given."),
  city: line(80).nullish(),
  image_ids: z
    .array(anyId)
    .max(50)
    .default([])
    .describe('My uploads with the purpose `post`, in this order; as many as my plan allows.'),
  expires_in_days: z.int().min(1).max(90).default(30).describe('From publishing or renewing on.'),
};
export const PostInput = z.object(postFields);
export type PostInput = z.output<typeof PostInput>;

type WithoutDefault<F> = F extends z.ZodDefault<infer Inner> ? Inner : F;
type Changes = { [Name in keyof typeof postFields]: z.ZodOptional<WithoutDefault<(typeof postFields)[Name]>> };

/** For PATCH: a field that is not given stays as it is, so no default may fill it. */
export const PostChanges = z.object(
  Object.fromEntries(
    Object.entries(postFields).map(([name, field]) => [
      name,
      (field instanceof z.ZodDefault ? field.unwrap() : field).optional(),
    ]),
  ) as unknown as Changes,
);
export type PostChanges = z.output<typeof PostChanges>;

export const PostStatus = z.enum([
  'draft',
  'pending',
  'published',
  'rejected',
  'closed',
  'expired',
  'hidden',
  'removed',
]);

export const PostImage = z.object({
  id: z.uuid(),
  url: z.string().describe('Relative to the address of the server, but absolute where images are kept in a bucket.'),
  thumb_url: z.string(),
  width: z.int(),
  height: z.int(),
});

export const Moderation = z.object({
  state: z
    .enum(['none', 'pending', 'approved', 'rejected', 'hidden'])
    .describe('`pending` until a moderator has looked, whether or not the post is on the board meanwhile.'),
  reason: z.string().nullable(),
});

export const Post = z
  .object({
    id: z.uuid(),
    author: PublicUser,
    status: PostStatus,
    moderation: Moderation.nullable().describe('For the owner alone.'),
    intent: Intent,
    title: z.string(),
    body: z.string().nullable(),
    category_id: z.uuid().nullable(),
    part_number: z.string().nullable(),
    oem_numbers: z.array(z.string()),
    brand: z.string().nullable(),
    condition: Condition.nullable(),
    fitments: z.array(Fitment),
    price: z.string().nullable().describe('null: on request.').meta({ example: '450000.00' }),
    currency: Currency.nullable(),
    price_negotiable: z.boolean(),
    unit: z.string().nullable(),
    quantity: z.int().nullable(),
    min_order_qty: z.int().nullable(),
    region: z.string().nullable(),
    city: z.string().nullable(),
    images: z.array(PostImage),
    thumb_url: z.string().nullable().describe('Of the first image.'),
    views_count: z.int().describe('Once for a user and day.'),
    favorites_count: z.int(),
    is_favorite: z.boolean(),
    is_owner: z.boolean(),
    my_thread_id: z.uuid().nullable().describe('My conversation about it, if there is one.'),
    published_at: moment.nullable(),
    bumped_at: moment.nullable(),
    expires_at: moment.nullable(),
    expires_in_days: z.int(),
    created_at: moment,
    updated_at: moment,
    rev: z.int(),
  })
  .meta({ id: 'Post' });
export type Post = z.output<typeof Post>;

export const profileFields = {
  company_name: line(120).min(2),
  tin: z
    .string()
    .regex(/^\d{9}$/)
    .nullish()
    .describe('Tax number, 9 digits.'),
  activity: z
    .array(z.enum(['seller', 'buyer', 'service']))
    .max(3)
    .default([]),
  region: Region.nullish(),
  city: line(80).nullish(),
  address: line(300).nullish(),
  about: plainText.trim().max(2_000).nullish(),
  logo_upload_id: anyId.nullish().describe('My upload with the purpose `avatar`.'),
  hide_phone: z.boolean().default(false).describe('Nobody is shown my number.'),
};

export const Profile = z
  .object({
    company_name: z.string().nullable(),
    tin: z.string().nullable(),
    activity: z.array(z.enum(['seller', 'buyer', 'service'])),
    region: z.string().nullable(),
    city: z.string().nullable(),
    address: z.string().nullable(),
    about: z.string().nullable(),
    logo_upload_id: z.uuid().nullable(),
    logo_url: z.string().nullable(),
    hide_phone: z.boolean(),
    is_enabled: z.boolean(),
    status: z.enum(['none', 'pending', 'enabled', 'rejected', 'suspended']),
    reason: z.string().nullable(),
    rev: z.int(),
  })
  .meta({ id: 'BusinessProfile' });
export type Profile = z.output<typeof Profile>;
