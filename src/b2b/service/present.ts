import { type RawBuilder, sql } from 'kysely';
import { presentPublicUsers } from '../../accounts/service/users.ts';
import type { Actor, Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import type { Post as PostView } from '../contract/shapes.ts';
import { myThreadOf, type PostSnapshot } from '../contract.ts';
import type { Post } from '../entities.ts';

type Scope = Pick<Context<Actor | null>, 'em' | 'now' | 'slot' | 'actor'>;

const utc = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as ${column}`;
const moments = ['published_at', 'bumped_at', 'expires_at', 'created_at', 'updated_at'].map(utc);

/** The columns of a view, as they travel: what reads posts makes no second form of them. One piece, built once. */
export const viewColumns: RawBuilder<unknown> =
  sql.raw(`id, author_id, status, intent, title, body, category_id, part_number,
  oem_numbers, brand, condition, fitments, price::text, currency, price_negotiable, unit, quantity, min_order_qty, region, city,
  views_count, favorites_count, rev, ${moments.join(', ')}`);

export interface PostRow extends Omit<PostView, 'author' | 'is_owner' | 'my_thread_id'> {
  author_id: string;
}

/** Adds what is not in the row: the author, and what is the caller's. In bulk. */
export async function presentPosts(scope: Scope, found: readonly PostRow[]): Promise<PostView[]> {
  const authors = await presentPublicUsers(
    scope,
    found.map(row => row.author_id),
  );
  const threadKey = (postId: string) => `${postId}:${scope.actor?.userId}`;
  const threads = scope.actor
    ? await scope.slot(
        myThreadOf,
        found.map(row => threadKey(row.id)),
      )
    : new Map<string, null>();
  return found.map(({ author_id, ...row }) => ({
    ...row,
    author: authors.get(author_id)!,
    is_owner: author_id === scope.actor?.userId,
    my_thread_id: threads.get(threadKey(row.id)) ?? null,
  }));
}

export async function presentPost(scope: Scope, { id }: Pick<Post, 'id'>): Promise<PostView> {
  const found = await rows<PostRow>(scope.em, sql`select ${viewColumns} from posts where id = ${id}`);
  return (await presentPosts(scope, found))[0]!;
}

export function snapshotOf(post: Post): PostSnapshot {
  const { id, title, status } = post;
  return {
    ...{ id, title, status, thumb_url: null },
    part_number: post.partNumber ?? null,
    price: post.price == null ? null : Number(post.price).toFixed(2),
    currency: post.currency ?? null,
  };
}
