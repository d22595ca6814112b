import { isDeepStrictEqual } from 'node:util';
import { keepAccount } from '../../accounts/service/users.ts';
import { ensureSubscribed } from '../../billing/service/subscriptions.ts';
import { usageOf } from '../../billing/service/usage.ts';
import type { Context } from '../../common/context.ts';
import { newId } from '../../common/ids.ts';
import type { Input, Output } from '../../common/operations.ts';
import { ensureMatch } from '../../common/preconditions.ts';
import { releaseUploads } from '../../uploads/service.ts';
import type { PostChanges, Post as PostView } from '../contract/shapes.ts';
import type { operations } from '../contract.ts';
import { Post } from '../entities.ts';
import { ensureEnabled, ensureStatus, reachOwnPost } from '../policy.ts';
import { ensureAllowed } from './banned-words.ts';
import { announceChange, emitChange } from './changes.ts';
import { entitlementsOf } from './entitlements.ts';
import { emptyFields, fieldsOf, imagesOf, wordsOf, writeFields } from './post-fields.ts';
import { presentPost } from './present.ts';
import { holdForReview, publishFirst } from './publish.ts';

/**
 * Publishes a post within the monthly limit of the caller's plan, or keeps it as a draft, which takes nothing. Throws
 * b2b_not_enabled, subscription_required, post_limit_reached, duplicate_post, content_rejected, not_found (images).
 */
export async function createPost(
  ctx: Context,
  input: Input<typeof operations.createPost>,
): Promise<Output<typeof operations.createPost>> {
  const { em, now, actor } = ctx;
  await keepAccount(ctx, actor.userId);
  const profile = await ensureEnabled(ctx);
  const { status, ...fields } = input;
  const post = em.create(Post, {
    ...{ id: newId(), author: actor.userId, status: 'draft', rev: 0, createdAt: now, updatedAt: now },
    ...{ intent: 'sell', title: '', fitments: [], partNorm: [], searchNorm: '', oemNumbers: [], images: [] },
  });
  await writeFields(ctx, post, { ...emptyFields, ...fields }, profile);
  await ensureAllowed(ctx, post);
  if (status === 'published') await publishFirst(ctx, post);
  await em.flush();
  const usage = await usageOf(ctx, actor.userId, await entitlementsOf(ctx));
  return { ...(await presentPost(ctx, post)), usage };
}

type Conditional<Fields> = Fields & { if_match?: string | undefined };

/**
 * Changes some fields of the caller's post. Throws not_found, permission_denied, invalid_state, b2b_not_enabled,
 * subscription_required (of a rejected one), conflict, content_rejected.
 */
export async function updatePost(
  ctx: Context,
  { post_id, ...changes }: Input<typeof operations.updatePost>,
): Promise<PostView> {
  return rewrite(ctx, post_id, changes);
}

/** Writes the caller's post anew; a field that is not given is empty afterwards. Throws as `updatePost`. */
export async function replacePost(
  ctx: Context,
  { post_id, ...fields }: Input<typeof operations.replacePost>,
): Promise<PostView> {
  return rewrite(ctx, post_id, { ...emptyFields, ...fields });
}

async function rewrite(
  ctx: Context,
  postId: string,
  { if_match, ...changes }: Conditional<PostChanges>,
): Promise<PostView> {
  const profile = await ensureEnabled(ctx);
  const post = await reachOwnPost(ctx, postId);
  await ensureMatch(if_match, post, () => presentPost(ctx, post));
  const state = ensureStatus(post, ctx.now, ['draft', 'pending', 'published', 'rejected', 'closed', 'expired']);
  // It is handed in again by that, as by publishing it.
  if (state === 'rejected') await ensureSubscribed(ctx, post.author);
  const [words, fields] = [wordsOf(post), fieldsOf(post)];
  await writeFields(ctx, post, changes, profile);
  await ensureAllowed(ctx, post);
  const isPre = ctx.config.POST_MODERATION === 'pre';
  const isReworded = !isDeepStrictEqual(wordsOf(post), words);
  const isOther = isPre ? isReworded : !isDeepStrictEqual(fieldsOf(post), fields);
  if (state === 'rejected' || (isPre && isReworded && state === 'published')) holdForReview(post);
  // What was approved is not what it says now.
  else if (post.moderationState === 'approved' && isOther) post.moderationState = 'pending';
  return announceChange(ctx, post);
}

/**
 * Removes the caller's post with its images; its conversations stay and say `removed`. Throws not_found, permission_denied,
 * b2b_not_enabled, conflict.
 */
export async function deletePost(
  ctx: Context,
  { post_id, if_match }: Input<typeof operations.deletePost>,
): Promise<Output<typeof operations.deletePost>> {
  await ensureEnabled(ctx);
  const post = await reachOwnPost(ctx, post_id);
  await ensureMatch(if_match, post, () => presentPost(ctx, post));
  await removePosts(ctx, [post]);
  return {};
}

/** Takes posts, which are locked, off the board for ever. */
export async function removePosts(
  ctx: Pick<Context, 'em' | 'now' | 'emit' | 'config'>,
  posts: readonly Post[],
): Promise<void> {
  await releaseUploads(
    ctx,
    posts.map(post => imagesOf(post.id)),
  );
  for (const post of posts) {
    Object.assign(post, { status: 'removed', images: [], rev: post.rev + 1, updatedAt: ctx.now });
    emitChange(ctx, post);
  }
  await ctx.em.flush();
}
