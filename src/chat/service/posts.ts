import { sql } from 'kysely';
import type { PostStatus } from '../../b2b/entities.ts';
import type { Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import type { PostSnapshot } from '../entities.ts';

export interface ReachedPost {
  authorId: string;
  status: PostStatus;
  snapshot: PostSnapshot;
}

/**
 * The post that a thread is to be about. Its row stays share-locked until the commit, so that no change of it slips
 * between this copy and the thread. Throws b2b_not_enabled, not_found.
 */
export async function reachPost(ctx: Context, postId: string): Promise<ReachedPost> {
  await ensureFeedAccess(ctx);
  const [post] = await rows<Omit<PostSnapshot, 'thumb_url'> & { author_id: string; status: PostStatus }>(
    ctx.em,
    sql`select id, title, part_number, price, currency, status, author_id from posts where id = ${postId} for share`,
  );
  const isVisible = post && (post.author_id === ctx.actor.userId || /^(published|closed|expired)$/.test(post.status));
  if (!isVisible) throw new AppError('not_found');
  const { author_id: authorId, ...snapshot } = post;
  return { authorId, status: post.status, snapshot: { ...snapshot, thumb_url: null } };
}

async function ensureFeedAccess({ em, actor, config }: Context): Promise<void> {
  if (config.B2B_FEED_ACCESS !== 'enabled' || actor.isStaff) return;
  const [profile] = await rows<{ is_enabled: boolean; status: string }>(
    em,
    sql`select is_enabled, status from b2b_profiles where user_id = ${actor.userId}`,
  );
  if (!profile?.is_enabled) throw new AppError('b2b_not_enabled', { status: profile?.status ?? 'none' });
}
