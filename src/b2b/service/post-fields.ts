import { isDeepStrictEqual } from 'node:util';
import type { Entitlements } from '../../billing/entities.ts';
import type { Context } from '../../common/context.ts';
import { AppError } from '../../common/errors.ts';
import { replaceUploads } from '../../uploads/service.ts';
import type { PostChanges } from '../contract/shapes.ts';
import type { B2bProfile, Post } from '../entities.ts';
import { entitlementsOf } from './entitlements.ts';
import { ensureCategory } from './reference.ts';
import { searchForms } from './search-forms.ts';

type Plain = Exclude<keyof PostChanges, 'price' | 'image_ids'>;

/** Fields that are stored as they are sent. */
const columns = {
  title: 'title',
  body: 'body',
  intent: 'intent',
  category_id: 'categoryId',
  part_number: 'partNumber',
  oem_numbers: 'oemNumbers',
  brand: 'brand',
  condition: 'condition',
  fitments: 'fitments',
  currency: 'currency',
  price_negotiable: 'priceNegotiable',
  unit: 'unit',
  quantity: 'quantity',
  min_order_qty: 'minOrderQty',
  region: 'region',
  city: 'city',
  expires_in_days: 'expiresInDays',
} as const satisfies Record<Plain, keyof Post>;

/** What a field that PUT leaves out is then. */
export const emptyFields = {
  ...{ body: null, category_id: null, part_number: null, brand: null, condition: null, price: null, currency: null },
  ...{ unit: null, quantity: null, min_order_qty: null, region: null, city: null },
} as const satisfies PostChanges;

/** What a moderator reads: two posts with equal ones say the same. Compared deeply, since JSON comes back in another order. */
export function wordsOf({ title, body, partNumber, oemNumbers, brand, fitments, unit, city, images }: Post): unknown[] {
  return [title, body, partNumber, oemNumbers, brand, fitments, unit, city, images].map(one => one ?? null);
}

/** All that its author has written. */
export function fieldsOf(post: Post): unknown[] {
  return [post.price, post.images, ...Object.values(columns).map(column => post[column])].map(one => one ?? null);
}

/**
 * Writes the fields that are given, and raises the revision. Throws validation_failed, and not_found for images that are
 * somebody else's, used already, or meant for something else.
 */
export async function writeFields(ctx: Context, post: Post, changes: PostChanges, profile: B2bProfile): Promise<void> {
  const { price, image_ids, category_id } = changes;
  for (const [name, column] of Object.entries(columns) as [Plain, (typeof columns)[Plain]][])
    if (changes[name] !== undefined) Object.assign(post, { [column]: changes[name] });
  if (price !== undefined) post.price = price === null ? null : price.toFixed(2);
  if (changes.region !== undefined) post.region ??= profile.region ?? null;
  ensureCoherent(post);
  if (category_id) await ensureCategory(ctx, category_id);
  if (image_ids !== undefined) await showImages(ctx, post, [...new Set(image_ids)]);
  Object.assign(post, await searchForms(ctx, post), { rev: post.rev + 1, updatedAt: ctx.now });
}

/** Rules between fields, checked on the whole post, so that a change of one of them cannot break them. */
function ensureCoherent({ price, currency, quantity, minOrderQty }: Post): void {
  const wrong = [
    price != null && currency == null && { path: 'currency', code: 'required_with_price' },
    quantity != null &&
      minOrderQty != null &&
      minOrderQty > quantity && { path: 'min_order_qty', code: 'above_quantity' },
  ].filter(field => field !== false);
  if (wrong.length > 0) throw new AppError('validation_failed', { fields: wrong });
}

export const imagesOf = (postId: string): string => `post:${postId}`;

/** Throws validation_failed. */
export function ensureFewImages(images: readonly unknown[], { max_images_per_post: most }: Entitlements): void {
  if (images.length > most)
    throw new AppError('validation_failed', { fields: [{ path: 'image_ids', code: 'above_plan_limit' }] });
}

/** Images that are shown no more are free again. Who shows fewer than before may, whatever the plan is by now. */
async function showImages(ctx: Context, post: Post, ids: readonly string[]): Promise<void> {
  const shown = post.images.map(image => image.id);
  if (isDeepStrictEqual(ids, shown)) return;
  if (ids.length > shown.length) ensureFewImages(ids, await entitlementsOf(ctx));
  const claim = { ownerId: post.author, ids, purpose: 'post', target: imagesOf(post.id) } as const;
  const images = await replaceUploads(ctx, claim);
  post.images = images.map(({ id, url, thumb_url, width, height }) => ({ id, url, thumb_url, width, height }));
}
