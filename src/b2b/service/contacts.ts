import { sql } from 'kysely';
import { User } from '../../accounts/entities.ts';
import type { Context } from '../../common/context.ts';
import { lockName, rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import type { Input, Output } from '../../common/operations.ts';
import { facts, type operations } from '../contract.ts';
import { B2bProfile, type Post } from '../entities.ts';
import { ensureFeedAccess, ensureStatus, reachPost } from '../policy.ts';
import { dayOf } from './days.ts';
import { entitlementsOf } from './entitlements.ts';
import { ofPost } from './present.ts';

/**
 * Shows the phone number of a post's author. Each post takes one of the plan's reveals of the day, is logged, and told to
 * the author; the same post again that day takes nothing. Parallel calls do not pass the limit. Throws b2b_not_enabled,
 * not_found, own_post, invalid_state, contact_hidden, reveal_limit_reached.
 */
export async function revealContact(
  ctx: Context,
  { post_id }: Input<typeof operations.revealContact>,
): Promise<Output<typeof operations.revealContact>> {
  const { em, now, actor } = ctx;
  await ensureFeedAccess(ctx);
  const post = await reachPost(ctx, post_id);
  if (post.author === actor.userId) throw new AppError('own_post');
  ensureStatus(post, now, ['published']);
  const phone = await reachPhone(ctx, post.author);
  // Nobody reveals two at once, so that the count of the day holds.
  await lockName(em, `reveal ${actor.userId}`);
  if (await logReveal(ctx, post)) ctx.emit(facts.contactRevealed, { ...ofPost(post), userId: actor.userId });
  return { phone };
}

/** Throws contact_hidden. */
async function reachPhone({ em, now }: Context, authorId: string): Promise<string> {
  const author = await em.findOneOrFail(User, { id: authorId });
  const profile = await em.findOne(B2bProfile, { user: authorId });
  if (!author.phone || author.isBlocked(now) || profile?.hidePhone) throw new AppError('contact_hidden');
  return author.phone;
}

/** False: it is known from the same day. Throws reveal_limit_reached. */
async function logReveal(ctx: Context, post: Post): Promise<boolean> {
  const { em, now, actor, config } = ctx;
  const { day, endsAt } = dayOf(now, config.BILLING_TZ);
  const shown = await rows<{ post_id: string }>(
    em,
    sql`select post_id from contact_reveals where user_id = ${actor.userId} and day = ${day}::date`,
  );
  if (shown.some(({ post_id }) => post_id === post.id)) return false;
  const limit = (await entitlementsOf(ctx)).contact_reveals_per_day;
  if (shown.length >= limit)
    throw new AppError('reveal_limit_reached', {
      ...{ limit, resets_at: endsAt.toISOString() },
      retry_after_ms: endsAt.getTime() - now.getTime(),
    });
  await rows(
    em,
    sql`insert into contact_reveals (user_id, day, post_id, author_id, created_at)
        values (${actor.userId}, ${day}::date, ${post.id}, ${post.author}, ${now})`,
  );
  return true;
}
