import { LockMode } from '@mikro-orm/core';
import { facts as accounts } from '../accounts/contract.ts';
import type { Listeners } from '../common/announcements.ts';
import { facts } from './contract.ts';
import { SavedSearch } from './entities/saved-searches.ts';
import { Post } from './entities.ts';
import { matchSearches } from './service/match-searches.ts';
import { removePosts } from './service/posts.ts';
import { blankProfiles, removeLogos, withdrawRequests } from './service/profiles.ts';

/** A deleted account leaves the board: its posts are removed, its conversations say so, its company is forgotten later. */
export function b2bListeners(listeners: Listeners): void {
  listeners.on(accounts.userDeleted, async (deleted, ctx) => {
    const authors = deleted.map(({ payload }) => payload.userId);
    const posts = await ctx.em.find(
      Post,
      { author: { $in: authors }, status: { $ne: 'removed' } },
      { orderBy: { id: 'asc' }, lockMode: LockMode.PESSIMISTIC_WRITE },
    );
    await removePosts(ctx, posts);
    await removeLogos(ctx, authors);
    await withdrawRequests(ctx, authors);
    await ctx.em.nativeDelete(SavedSearch, { user: { $in: authors } });
  });
  listeners.on(accounts.accountsPurged, async (purged, ctx) => {
    for (const { payload } of purged) await blankProfiles(ctx, payload.deletedBy);
  });
  listeners.on(facts.postPublished, (published, ctx) =>
    matchSearches(
      ctx,
      published.map(({ payload }) => payload.postId),
    ),
  );
}
