import type { Context } from '../../common/context.ts';
import type { Post as PostView } from '../contract/shapes.ts';
import { facts, type OfPost } from '../contract.ts';
import type { Post } from '../entities.ts';
import { isVisibleToAll } from '../policy.ts';
import { ofPost, presentPost } from './present.ts';

/** Tells of any change of a post; whose transaction it is stores it. */
export function emitChange(ctx: Pick<Context, 'config' | 'now' | 'emit'>, post: Post): OfPost {
  const change = ofPost(post);
  ctx.emit(facts.postChanged, { ...change, isShown: isVisibleToAll(ctx, post) });
  return change;
}

/** Stores what has changed, tells the conversations about it, and shows it to its owner. */
export async function announceChange(ctx: Context, post: Post): Promise<PostView> {
  await ctx.em.flush();
  emitChange(ctx, post);
  return presentPost(ctx, post);
}
