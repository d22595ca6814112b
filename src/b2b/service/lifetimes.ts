import { LockMode } from '@mikro-orm/core';
import type { Context } from '../../common/context.ts';
import { daysAfter } from '../../common/time.ts';
import { facts } from '../contract.ts';
import { Post } from '../entities.ts';
import { emitChange } from './changes.ts';
import { ofPost } from './present.ts';

const TOLD_DAYS_BEFORE = 3;
/** In one transaction; the rest is for the next minute, and reads go by dates meanwhile. */
const MOST_AT_ONCE = 500;

const some = { limit: MOST_AT_ONCE, lockMode: LockMode.PESSIMISTIC_PARTIAL_WRITE } as const;

/** Ends the lifetimes that are over, and tells authors, once for a lifetime, of those that end soon; a job's work. */
export async function endLifetimes(ctx: Context<null>): Promise<{ expired: number; expiring: number }> {
  return { expired: await expire(ctx), expiring: await warn(ctx) };
}

async function expire(ctx: Context<null>): Promise<number> {
  const { em, now } = ctx;
  const over = await em.find(
    Post,
    { status: 'published', expiresAt: { $lte: now } },
    { ...some, orderBy: { expiresAt: 'asc' } },
  );
  for (const post of over) Object.assign(post, { status: 'expired', rev: post.rev + 1, updatedAt: now });
  await em.flush();
  for (const post of over) ctx.emit(facts.postExpired, emitChange(ctx, post));
  return over.length;
}

/** Of a lifetime that is no longer than the warning its author needs none. */
async function warn(ctx: Context<null>): Promise<number> {
  const { em, now } = ctx;
  const soon = await em.find(
    Post,
    {
      ...{ status: 'published', expiringToldAt: null, expiresInDays: { $gt: TOLD_DAYS_BEFORE } },
      expiresAt: { $gt: now, $lte: daysAfter(now, TOLD_DAYS_BEFORE) },
    },
    { ...some, orderBy: { expiresAt: 'asc' } },
  );
  for (const post of soon) post.expiringToldAt = now;
  await em.flush();
  for (const post of soon) ctx.emit(facts.postExpiring, { ...ofPost(post), expiresAt: post.expiresAt!.toISOString() });
  return soon.length;
}
