import { isDeepStrictEqual } from 'node:util';
import { sql } from 'kysely';
import { ensureSubscribed } from '../../billing/service/subscriptions.ts';
import { consumePost } from '../../billing/service/usage.ts';
import type { Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import type { Input } from '../../common/operations.ts';
import { DAY_MS, daysAfter } from '../../common/time.ts';
import type { Post as PostView } from '../contract/shapes.ts';
import { facts, type operations } from '../contract.ts';
import type { Post } from '../entities.ts';
import { ensureEnabled, ensureStatus, reachOwnPost } from '../policy.ts';
import { ensureAllowed } from './banned-words.ts';
import { announceChange } from './changes.ts';
import { normalisePart, type Spelled, spell } from './normalise.ts';
import { ensureFewImages } from './post-fields.ts';

/**
 * Takes one unit of the month, and puts a post on the board or, with POST_MODERATION=pre, before a moderator. Throws
 * subscription_required, post_limit_reached, duplicate_post, validation_failed (more images than the plan allows): the unit
 * is then given back with the rest.
 */
export async function publishFirst(ctx: Context, post: Post): Promise<void> {
  // A draft may be of a time with a larger plan.
  ensureFewImages(post.images, await consumePost(ctx, post.author));
  await ensureNoDuplicate(ctx, post);
  post.countedAt = ctx.now;
  if (ctx.config.POST_MODERATION === 'pre') return holdForReview(post);
  post.moderationState = 'pending';
  putOnBoard(ctx, post);
}

/** It waits for a moderator. */
export function holdForReview(post: Post): void {
  Object.assign(post, { status: 'pending', moderationState: 'pending', moderationReason: null });
}

/** Begins a lifetime on the board. */
export function putOnBoard(ctx: Pick<Context, 'now' | 'emit'>, post: Post): void {
  const { now } = ctx;
  const isFirst = !post.publishedAt;
  const expiresAt = daysAfter(now, post.expiresInDays);
  Object.assign(post, { status: 'published', expiresAt, expiringToldAt: null, closeReason: null });
  post.publishedAt ??= now;
  // Closing and publishing again lifts a post no oftener than renewing it.
  if (!post.bumpedAt || isDayAgo(post.bumpedAt, now)) post.bumpedAt = now;
  if (isFirst) ctx.emit(facts.postPublished, { postId: post.id, authorId: post.author });
}

/** Begins another lifetime, with POST_MODERATION=pre only once somebody has read what it says by now. */
function putBack(ctx: Context, post: Post): void {
  const mustWait = ctx.config.POST_MODERATION === 'pre' && post.moderationState === 'pending';
  if (!mustWait) putOnBoard(ctx, post);
  else {
    post.expiresAt = null;
    holdForReview(post);
  }
}

const isDayAgo = (moment: Date, now: Date): boolean => now.getTime() - moment.getTime() >= DAY_MS;

interface Published {
  id: string;
  title: string;
  part_number: string | null;
}

/**
 * Refuses what its author has published within the last 24 hours, by its title or its part number in any spelling. The
 * unit of the month was taken before, so the author's parallel calls stand in a line here.
 */
async function ensureNoDuplicate({ em, now }: Context, post: Post): Promise<void> {
  const recent = await rows<Published>(
    em,
    sql`select id, title, part_number from posts where author_id = ${post.author} and id <> ${post.id}
          and counted_at > ${daysAfter(now, -1)} and intent = ${post.intent} and status <> 'removed' order by id`,
  );
  const part = normalisePart(post.partNumber ?? '');
  const isTitle = titleIs(post.title);
  const isSame = (other: Published) =>
    isTitle(other.title) || (part !== '' && normalisePart(other.part_number ?? '') === part);
  const same = recent.find(isSame);
  if (same) throw new AppError('duplicate_post', { post_id: same.id });
}

/** Of letters that are not normalised nothing would be left to compare: Chinese, Arabic, Georgian. */
const otherLetters = /[^\P{L}\p{Lm}\p{Script=Latin}\p{Script=Cyrillic}]+/gu;

/** Whether another title is the same in another spelling: word for word, each in one of its forms. */
function titleIs(title: string): (other: string) => boolean {
  const partsOf = (text: string) => ({ words: spell(text), rest: text.normalize('NFKC').match(otherLetters) ?? [] });
  const { words, rest } = partsOf(title);
  return other => {
    const same = partsOf(other);
    if (words.length + rest.length === 0) return other === title;
    const isWord = ({ forms }: Spelled, index: number) => forms.some(form => same.words[index]!.forms.includes(form));
    return same.words.length === words.length && words.every(isWord) && isDeepStrictEqual([...same.rest], [...rest]);
  };
}

/**
 * Publishes the caller's draft, a closed or expired post again, or hands a rejected one to the moderators again. Throws
 * not_found, permission_denied, invalid_state, b2b_not_enabled, subscription_required, post_limit_reached,
 * duplicate_post, content_rejected.
 */
export async function publishPost(ctx: Context, { post_id }: Input<typeof operations.publishPost>): Promise<PostView> {
  await ensureEnabled(ctx);
  const post = await reachOwnPost(ctx, post_id);
  const state = ensureStatus(post, ctx.now, ['draft', 'rejected', 'closed', 'expired']);
  await ensureAllowed(ctx, post);
  if (state === 'draft') await publishFirst(ctx, post);
  else {
    await ensureSubscribed(ctx, post.author);
    if (state === 'rejected') holdForReview(post);
    else putBack(ctx, post);
  }
  return announceStatus(ctx, post);
}

/** Takes the caller's post off the board. Throws not_found, permission_denied, invalid_state, b2b_not_enabled. */
export async function closePost(
  ctx: Context,
  { post_id, reason }: Input<typeof operations.closePost>,
): Promise<PostView> {
  await ensureEnabled(ctx);
  const post = await reachOwnPost(ctx, post_id);
  ensureStatus(post, ctx.now, ['published']);
  Object.assign(post, { status: 'closed', closeReason: reason ?? null });
  return announceStatus(ctx, post);
}

/**
 * Begins the lifetime of the caller's post anew and lifts it, once in 24 hours; a closed or expired one is on the board
 * again. Takes no unit. Throws as `publishPost`, and rate_limited.
 */
export async function renewPost(ctx: Context, { post_id }: Input<typeof operations.renewPost>): Promise<PostView> {
  const { now } = ctx;
  await ensureEnabled(ctx);
  const post = await reachOwnPost(ctx, post_id);
  ensureStatus(post, now, ['published', 'closed', 'expired']);
  await ensureSubscribed(ctx, post.author);
  await ensureAllowed(ctx, post);
  if (post.renewedAt && !isDayAgo(post.renewedAt, now))
    throw new AppError('rate_limited', { retry_after_ms: post.renewedAt.getTime() + DAY_MS - now.getTime() });
  Object.assign(post, { renewedAt: now, bumpedAt: now });
  putBack(ctx, post);
  return announceStatus(ctx, post);
}

async function announceStatus(ctx: Context, post: Post): Promise<PostView> {
  Object.assign(post, { rev: post.rev + 1, updatedAt: ctx.now });
  return announceChange(ctx, post);
}
