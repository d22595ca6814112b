import { LockMode } from '@mikro-orm/core';
import { audit } from '../../accounts/service/audit.ts';
import { actOnEach, ensureReason, ensureStaff } from '../../accounts/service/staff-actions.ts';
import type { Context } from '../../common/context.ts';
import { AppError } from '../../common/errors.ts';
import type { Input, Output } from '../../common/operations.ts';
import { facts, type operations } from '../contract.ts';
import { Post } from '../entities.ts';
import { ensureStatus } from '../policy.ts';
import { emitChange } from './changes.ts';
import { putOnBoard } from './publish.ts';

type ActOnPosts = Input<typeof operations.actOnPosts>;
type Decision = 'approved' | 'rejected' | 'hidden';

/**
 * Approves, rejects, hides or restores up to 200 posts; each is answered by itself, leaves an audit row, and its author is
 * told what became of it. For moderators. Throws permission_denied, validation_failed (no reason).
 */
export async function actOnPosts(ctx: Context, input: ActOnPosts): Promise<Output<typeof operations.actOnPosts>> {
  ensureStaff(ctx.actor, ['moderator']);
  if (input.action === 'reject' || input.action === 'hide') ensureReason(input.reason);
  return actOnEach(ctx, input.ids, id => actOn(ctx, id, input));
}

async function actOn(ctx: Context, id: string, { action, reason }: ActOnPosts): Promise<void> {
  const post = await ctx.em.findOne(Post, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  if (!post || post.status === 'removed') throw new AppError('not_found');
  const before = stateOf(post);
  const decision = actions[action](ctx, post);
  const isTakenDown = decision !== 'approved';
  Object.assign(post, { moderationState: decision, moderationReason: isTakenDown ? reason : null });
  Object.assign(post, { rev: post.rev + 1, updatedAt: ctx.now });
  audit(ctx, { action, resource: 'posts', objectId: id, before, after: stateOf(post), reason });
  await ctx.em.flush();
  if (post.status === before.status) return;
  const change = emitChange(ctx, post);
  ctx.emit(facts.postReviewed, { ...change, decision, reason: post.moderationReason ?? null });
}

const stateOf = ({ status, moderationState }: Post) => ({ status, moderation_state: moderationState });

/** What each does to a post in a state that allows it. Throws invalid_state. */
const actions: Record<ActOnPosts['action'], (ctx: Context, post: Post) => Decision> = {
  approve(ctx, post) {
    // One that is on the board already has now been looked at.
    if (ensureStatus(post, ctx.now, ['pending', 'published']) === 'published') return 'approved';
    // An edit has only interrupted its lifetime.
    if (post.expiresAt && post.expiresAt > ctx.now) post.status = 'published';
    else putOnBoard(ctx, post);
    return 'approved';
  },
  reject({ now }, post) {
    ensureStatus(post, now, ['pending']);
    post.status = 'rejected';
    return 'rejected';
  },
  hide({ now }, post) {
    ensureStatus(post, now, ['published']);
    post.status = 'hidden';
    return 'hidden';
  },
  restore({ now }, post) {
    ensureStatus(post, now, ['hidden']);
    post.status = 'published';
    return 'approved';
  },
};
