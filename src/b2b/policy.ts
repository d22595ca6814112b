import { LockMode } from '@mikro-orm/core';
import { type RawBuilder, sql } from 'kysely';
import type { Actor, Context } from '../common/context.ts';
import { rows } from '../common/database.ts';
import { AppError } from '../common/errors.ts';
import { B2bProfile, Post } from './entities.ts';

type Anyone = Pick<Context<Actor | null>, 'em' | 'actor' | 'config' | 'now'>;

/** Who may read the board: see B2B_FEED_ACCESS. Throws auth_required, b2b_not_enabled. */
export async function ensureFeedAccess({ em, actor, config }: Anyone): Promise<void> {
  if (config.B2B_FEED_ACCESS === 'public' || actor?.isStaff) return;
  if (!actor) throw new AppError('auth_required');
  if (config.B2B_FEED_ACCESS !== 'enabled') return;
  // Every page of the board asks this: as an entity it would cost more than the page.
  const [profile] = await rows<Pick<B2bProfile, 'status'> & { is_enabled: boolean }>(
    em,
    sql`select is_enabled, status from b2b_profiles where user_id = ${actor.userId}`,
    { isHot: true },
  );
  if (!profile?.is_enabled) throw new AppError('b2b_not_enabled', { status: profile?.status ?? 'none' });
}

/** The business profile of the caller, enabled by an operator. Throws b2b_not_enabled. */
export async function ensureEnabled({ em, actor }: { em: Context['em']; actor: Actor }): Promise<B2bProfile> {
  const profile = await em.findOne(B2bProfile, { user: actor.userId });
  if (!profile?.isEnabled) throw new AppError('b2b_not_enabled', { status: profile?.status ?? 'none' });
  return profile;
}

const seen: readonly Post['status'][] = ['published', 'closed', 'expired'];

/**
 * Whether everybody who reads the board may see a post. With review before publishing one that was edited off the board is
 * seen by nobody before it has been read.
 */
export function isVisibleToAll(
  { config, now }: Pick<Anyone, 'config' | 'now'>,
  post: Pick<Post, 'status' | 'moderationState' | 'statusAt'>,
): boolean {
  const isUnread = config.POST_MODERATION === 'pre' && post.moderationState === 'pending';
  return seen.includes(post.status) && !(isUnread && post.statusAt(now) !== 'published');
}

/** The same of rows of `posts`. */
export function visibleToAll({ config, now }: Pick<Anyone, 'config' | 'now'>): RawBuilder<unknown> {
  return sql`(status = any(${seen}::text[]) and not (${config.POST_MODERATION === 'pre'}::bool and moderation_state = 'pending'
    and (status <> 'published' or expires_at <= ${now})))`;
}

/** A post through the one who asks: others' drafts, refused, hidden and removed ones do not exist. Throws not_found. */
export async function reachPost(ctx: Anyone, postId: string): Promise<Post> {
  const { em, actor } = ctx;
  const post = await em.findOne(Post, { id: postId });
  const isOwn = post !== null && post.author === actor?.userId;
  if (!post || post.status === 'removed' || !(isOwn || actor?.isStaff || isVisibleToAll(ctx, post)))
    throw new AppError('not_found');
  return post;
}

/** The caller's own post, locked. Throws not_found, and permission_denied for one they may only see. */
export async function reachOwnPost(
  ctx: Pick<Context, 'em' | 'actor' | 'config' | 'now'>,
  postId: string,
): Promise<Post> {
  const post = await reachPost(ctx, postId);
  if (post.author !== ctx.actor.userId) throw new AppError('permission_denied');
  await ctx.em.refresh(post, { lockMode: LockMode.PESSIMISTIC_WRITE });
  if (post.status === 'removed') throw new AppError('not_found');
  return post;
}

/** The status by dates, if it is one of these. Throws invalid_state. */
export function ensureStatus<const Status extends Post['status']>(
  post: Post,
  now: Date,
  allowed: readonly Status[],
): Status {
  const state = post.statusAt(now);
  if (!(allowed as readonly Post['status'][]).includes(state)) throw new AppError('invalid_state', { state });
  return state as Status;
}
