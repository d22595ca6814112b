import { LockMode } from '@mikro-orm/core';
import { z } from 'zod';
import { keepAccount } from '../../accounts/service/users.ts';
import type { Context } from '../../common/context.ts';
import { AppError } from '../../common/errors.ts';
import { newId } from '../../common/ids.ts';
import type { Input, Output } from '../../common/operations.ts';
import { cutPage, readCursor, writeCursor } from '../../common/paging.ts';
import type { SavedFilters } from '../contract/feed.ts';
import type { SavedSearch as SavedSearchView, searchesOperations } from '../contract/searches.ts';
import { facts } from '../contract.ts';
import { SavedSearch, type Wanted } from '../entities/saved-searches.ts';
import { ensureFeedAccess } from '../policy.ts';
import { entitlementsOf } from './entitlements.ts';
import { resolveFilters } from './filters.ts';
import { anchorsOf, wantedOf } from './search-anchors.ts';

type Operations = typeof searchesOperations;

/** The caller's saved searches, latest first. Throws b2b_not_enabled, invalid_cursor. */
export async function listSavedSearches(
  ctx: Context,
  { limit, cursor }: Input<Operations['listSavedSearches']>,
): Promise<Output<Operations['listSavedSearches']>> {
  await ensureFeedAccess(ctx);
  const scope = ['saved-searches', ctx.actor.userId] as const;
  const before = readCursor(ctx, scope, cursor, z.uuid());
  const own = { user: ctx.actor.userId, ...(before && { id: { $lt: before } }) };
  const found = await ctx.em.find(SavedSearch, own, { orderBy: { id: 'desc' }, limit: limit + 1 });
  const { page, last } = cutPage(found, limit);
  return { results: page.map(presentSavedSearch), next_cursor: last && writeCursor(ctx, scope, last.id) };
}

/**
 * Keeps filters of the board. The caller's row is locked while they are counted, so parallel calls cannot pass the limit
 * of the plan. Throws b2b_not_enabled, saved_search_limit_reached, validation_failed.
 */
export async function createSavedSearch(
  ctx: Context,
  { name, filters, notify }: Input<Operations['createSavedSearch']>,
): Promise<SavedSearchView> {
  await ensureFeedAccess(ctx);
  const { em, now, actor } = ctx;
  await keepAccount(ctx, actor.userId, 'exclusive');
  await ensureRoom(ctx);
  const fields = { id: newId(), user: actor.userId, name, notify, createdAt: now };
  const search = em.create(SavedSearch, { ...fields, ...(await indexed(ctx, filters)) });
  await em.persist(search).flush();
  return presentSavedSearch(search);
}

/** Changes the caller's saved search, or says that its finds were seen. Throws b2b_not_enabled, not_found, validation_failed. */
export async function updateSavedSearch(
  ctx: Context,
  { search_id, name, filters, notify, seen }: Input<Operations['updateSavedSearch']>,
): Promise<SavedSearchView> {
  const search = await reachSavedSearch(ctx, search_id);
  if (name !== undefined) search.name = name;
  if (notify !== undefined) search.notify = notify;
  if (filters !== undefined) Object.assign(search, await indexed(ctx, filters));
  if (filters !== undefined || seen) search.newCount = 0;
  await ctx.em.flush();
  return presentSavedSearch(search);
}

/** Forgets the caller's saved search. Throws b2b_not_enabled, not_found. */
export async function deleteSavedSearch(
  ctx: Context,
  { search_id }: Input<Operations['deleteSavedSearch']>,
): Promise<Output<Operations['deleteSavedSearch']>> {
  const search = await reachSavedSearch(ctx, search_id);
  await ctx.em.remove(search).flush();
  ctx.emit(facts.searchDeleted, { userId: ctx.actor.userId, searchId: search.id });
  return {};
}

async function reachSavedSearch(ctx: Context, id: string): Promise<SavedSearch> {
  await ensureFeedAccess(ctx);
  const own = { id, user: ctx.actor.userId };
  const search = await ctx.em.findOne(SavedSearch, own, { lockMode: LockMode.PESSIMISTIC_WRITE });
  if (!search) throw new AppError('not_found');
  return search;
}

async function ensureRoom(ctx: Context): Promise<void> {
  const { saved_searches: limit } = await entitlementsOf(ctx);
  const kept = await ctx.em.count(SavedSearch, { user: ctx.actor.userId });
  if (kept >= limit) throw new AppError('saved_search_limit_reached', { limit });
}

/** The filters as they were given, as posts are compared with them, and as they are found by a post. */
async function indexed(
  ctx: Context,
  filters: SavedFilters,
): Promise<{ filters: SavedFilters; wanted: Wanted; anchors: string[] }> {
  const wanted = wantedOf(filters.q, await resolveFilters(ctx, filters));
  return { filters, wanted, anchors: anchorsOf(filters.q, wanted) };
}

function presentSavedSearch({ id, name, filters, notify, newCount, createdAt }: SavedSearch): SavedSearchView {
  return { id, name, filters, notify, new_count: newCount, created_at: createdAt.toISOString() };
}
