import { LockMode } from '@mikro-orm/core';
import type { Context } from '../../common/context.ts';
import type { Post as PostView } from '../contract/shapes.ts';
import type { PostSnapshot } from '../contract.ts';
import type { Post } from '../entities.ts';
import { reachPost } from '../policy.ts';
import { presentPost, snapshotOf } from './present.ts';

// Whoever may not read the board asks nobody about it, not even where they did before, and reports nothing of it.
export { ensureFeedAccess } from '../policy.ts';

/**
 * The post that the caller, who has access to the board, wants to talk about, as a conversation keeps it. Its row stays
 * share-locked until the commit, so that no change slips between the copy and the conversation. Throws not_found.
 */
export async function reachPostForThread(
  ctx: Context,
  postId: string,
): Promise<{ authorId: string; status: Post['status']; snapshot: PostSnapshot }> {
  const post = await reachPost(ctx, postId);
  await ctx.em.refresh(post, { lockMode: LockMode.PESSIMISTIC_READ });
  return { authorId: post.author, status: post.statusAt(ctx.now), snapshot: snapshotOf(post) };
}

/** The post with all that its readers see, as a report keeps it: of the one who reports nothing. Throws not_found. */
export async function copyPost(
  ctx: Context,
  postId: string,
): Promise<{ authorId: string; post: Omit<PostView, 'moderation' | 'is_favorite' | 'is_owner' | 'my_thread_id'> }> {
  const { authorId } = await reachPostForThread(ctx, postId);
  const { moderation, is_favorite, is_owner, my_thread_id, ...post } = await presentPost(ctx, { id: postId });
  return { authorId, post };
}
