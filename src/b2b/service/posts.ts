import { noEntitlements } from '../../billing/service/plans.ts';
import { subscriptionOf } from '../../billing/service/subscriptions.ts';
import { consumePost, usageOf } from '../../billing/service/usage.ts';
import type { Context } from '../../common/context.ts';
import { AppError } from '../../common/errors.ts';
import { newId } from '../../common/ids.ts';
import type { Input, Output } from '../../common/operations.ts';
import type { PostChanges, Post as PostView } from '../contract/shapes.ts';
import { facts, type operations } from '../contract.ts';
import { type B2bProfile, Post } from '../entities.ts';
import { ensureEnabled, ensureStatus, reachOwnPost } from '../policy.ts';
import { presentPost, snapshotOf } from './present.ts';
import { ensureCategory } from './reference.ts';
import { searchForms } from './search-forms.ts';

const DAY_MS = 86_400_000;

/**
 * Publishes a post within the monthly limit of the caller's plan, or keeps it as a draft, which takes nothing.
 * Throws b2b_not_enabled, subscription_required, post_limit_reached.
 */
export async function createPost(
  ctx: Context,
  input: Input<typeof operations.createPost>,
): Promise<Output<typeof operations.createPost>> {
  const { em, now, actor } = ctx;
  const profile = await ensureEnabled(ctx);
  const { status, ...fields } = input;
  const post = em.create(Post, {
    ...{ id: newId(), author: actor.userId, status: 'draft', rev: 0, createdAt: now, updatedAt: now },
    ...{ intent: 'sell', title: '', fitments: [], partNorm: [], searchNorm: '', oemNumbers: [] },
  });
  await write(ctx, post, fields, profile);
  if (status === 'published') await publish(ctx, post);
  await em.persist(post).flush();
  const subscribed = await subscriptionOf(ctx, actor.userId);
  const usage = await usageOf(ctx, actor.userId, subscribed?.entitlements ?? noEntitlements);
  return { ...(await presentPost(ctx, post)), usage };
}

/** Changes some fields of the caller's post. Throws not_found, permission_denied, invalid_state, b2b_not_enabled. */
export async function updatePost(
  ctx: Context,
  { post_id, ...changes }: Input<typeof operations.updatePost>,
): Promise<PostView> {
  return rewrite(ctx, post_id, changes);
}

/** Writes the caller's post anew; a field that is not given is empty afterwards. */
export async function replacePost(
  ctx: Context,
  { post_id, ...fields }: Input<typeof operations.replacePost>,
): Promise<PostView> {
  const empty = {
    category_id: null,
    body: null,
    part_number: null,
    brand: null,
    price: null,
    currency: null,
    unit: null,
    quantity: null,
    min_order_qty: null,
  };
  return rewrite(ctx, post_id, { ...empty, condition: undefined, ...fields });
}

async function rewrite(ctx: Context, postId: string, changes: PostChanges): Promise<PostView> {
  const profile = await ensureEnabled(ctx);
  const post = await reachOwnPost(ctx, postId);
  ensureStatus(post, ['draft', 'pending', 'published', 'rejected', 'closed', 'expired']);
  await write(ctx, post, changes, profile);
  await ctx.em.flush();
  ctx.emit(facts.postChanged, { authorId: post.author, post: snapshotOf(post) });
  return presentPost(ctx, post);
}

async function write(ctx: Context, post: Post, changes: PostChanges, profile: B2bProfile): Promise<void> {
  const { category_id, part_number, oem_numbers, price_negotiable, min_order_qty, expires_in_days, price, ...same } =
    changes;
  if (category_id) await ensureCategory(ctx, category_id);
  Object.assign(
    post,
    defined({
      ...same,
      categoryId: category_id,
      partNumber: part_number,
      oemNumbers: oem_numbers,
      priceNegotiable: price_negotiable,
    }),
  );
  Object.assign(
    post,
    defined({
      minOrderQty: min_order_qty,
      expiresInDays: expires_in_days,
      price: price === null ? null : price?.toFixed(2),
    }),
  );
  post.region ??= profile.region ?? null;
  ensureCoherent(post);
  Object.assign(post, await searchForms(ctx, post), { rev: post.rev + 1, updatedAt: ctx.now });
}

function defined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
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

async function publish(ctx: Context, post: Post): Promise<void> {
  // The first time alone: closing and publishing again takes no unit.
  if (!post.publishedAt) await consumePost(ctx, post.author);
  post.status = 'published';
  post.publishedAt ??= ctx.now;
  post.bumpedAt = ctx.now;
  post.expiresAt = new Date(ctx.now.getTime() + post.expiresInDays * DAY_MS);
  ctx.emit(facts.postPublished, { postId: post.id, authorId: post.author });
}

/** Publishes the caller's draft, or a closed or expired post again. */
export async function publishPost(ctx: Context, { post_id }: Input<typeof operations.publishPost>): Promise<PostView> {
  await ensureEnabled(ctx);
  const post = await reachOwnPost(ctx, post_id);
  ensureStatus(post, ['draft', 'closed', 'expired']);
  await publish(ctx, post);
  return announceStatus(ctx, post);
}

/** Takes the caller's post off the board. */
export async function closePost(ctx: Context, { post_id }: Input<typeof operations.closePost>): Promise<PostView> {
  await ensureEnabled(ctx);
  const post = await reachOwnPost(ctx, post_id);
  ensureStatus(post, ['published']);
  post.status = 'closed';
  return announceStatus(ctx, post);
}

/** Removes the caller's post; its conversations stay and say `removed`. */
export async function deletePost(
  ctx: Context,
  { post_id }: Input<typeof operations.deletePost>,
): Promise<Output<typeof operations.deletePost>> {
  await ensureEnabled(ctx);
  const post = await reachOwnPost(ctx, post_id);
  post.status = 'removed';
  await announceStatus(ctx, post);
  return {};
}

async function announceStatus(ctx: Context, post: Post): Promise<PostView> {
  post.rev += 1;
  post.updatedAt = ctx.now;
  await ctx.em.flush();
  ctx.emit(facts.postChanged, { authorId: post.author, post: snapshotOf(post) });
  return presentPost(ctx, post);
}
