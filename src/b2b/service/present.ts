import { type RawBuilder, sql } from 'kysely';
import { presentPublicUsers } from '../../accounts/service/users.ts';
import type { Actor, Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import type { Post as PostView } from '../contract/shapes.ts';
import { myThreadOf, type OfPost, type PostSnapshot } from '../contract.ts';
import type { ModerationState, Post } from '../entities.ts';

type Scope = Pick<Context<Actor | null>, 'em' | 'now' | 'slot' | 'actor'>;

const utc = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as ${column}`;
const moments = ['published_at', 'bumped_at', 'expires_at', 'created_at', 'updated_at'].map(utc);

/** The columns of a view, as they travel: what reads posts makes no second form of them. One piece, built once. */
export const viewColumns: RawBuilder<unknown> =
  sql.raw(`id, author_id, status, moderation_state, moderation_reason, intent, title, body, category_id, part_number, oem_numbers,
  brand, condition, fitments, images, price::text, currency, price_negotiable, unit, quantity, min_order_qty, region, city,
  views_count, favorites_count, expires_in_days, rev, ${moments.join(', ')}`);

type Added = 'author' | 'moderation' | 'thumb_url' | 'is_favorite' | 'is_owner' | 'my_thread_id';

export interface PostRow extends Omit<PostView, Added> {
  author_id: string;
  moderation_state: ModerationState;
  moderation_reason: string | null;
}

/** Adds what is not in the row: the author, what is the caller's, and what time has changed. In bulk. */
export async function presentPosts(scope: Scope, found: readonly PostRow[]): Promise<PostView[]> {
  const ids = found.map(row => row.id);
  const authors = await presentPublicUsers(
    scope,
    found.map(row => row.author_id),
  );
  const userId = scope.actor?.userId;
  const threadKey = (postId: string) => `${postId}:${userId}`;
  const threads = userId ? await scope.slot(myThreadOf, ids.map(threadKey)) : new Map<string, null>();
  const favorites = userId ? await findFavorites(scope, userId, ids) : new Set<string>();
  const now = scope.now.toISOString();
  return found.map(({ author_id, moderation_state, moderation_reason, ...row }) => ({
    ...row,
    status: row.status === 'published' && row.expires_at && row.expires_at <= now ? 'expired' : row.status,
    author: authors.get(author_id)!,
    moderation: author_id === userId ? { state: moderation_state, reason: moderation_reason } : null,
    thumb_url: row.images[0]?.thumb_url ?? null,
    is_favorite: favorites.has(row.id),
    is_owner: author_id === userId,
    my_thread_id: threads.get(threadKey(row.id)) ?? null,
  }));
}

async function findFavorites({ em }: Scope, userId: string, postIds: readonly string[]): Promise<Set<string>> {
  const found = await rows<{ post_id: string }>(
    em,
    sql`select post_id from favorites where user_id = ${userId} and post_id = any(${postIds}::uuid[])`,
    { isHot: true },
  );
  return new Set(found.map(({ post_id }) => post_id));
}

export async function presentPost(scope: Scope, { id }: Pick<Post, 'id'>): Promise<PostView> {
  const found = await rows<PostRow>(scope.em, sql`select ${viewColumns} from posts where id = ${id}`);
  return (await presentPosts(scope, found))[0]!;
}

export function ofPost(post: Post): OfPost {
  return { authorId: post.author, post: snapshotOf(post) };
}

export function snapshotOf(post: Post): PostSnapshot {
  const { id, title, status } = post;
  return {
    ...{ id, title, status, thumb_url: post.images[0]?.thumb_url ?? null },
    part_number: post.partNumber ?? null,
    price: post.price == null ? null : Number(post.price).toFixed(2),
    currency: post.currency ?? null,
  };
}
