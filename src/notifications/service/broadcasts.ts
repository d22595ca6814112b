import { isDeepStrictEqual } from 'node:util';
import { type RawBuilder, sql } from 'kysely';
import type { Logger } from 'pino';
import { audit } from '../../accounts/service/audit.ts';
import { ensureStaff } from '../../accounts/service/staff-actions.ts';
import { isClosed } from '../../chat/service/closed-accounts.ts';
import type { Context, SharedContext } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import type { Executor } from '../../common/execute.ts';
import { newId } from '../../common/ids.ts';
import type { Jobs } from '../../common/jobs.ts';
import type { Input, Output } from '../../common/operations.ts';
import { facts, type operations } from '../contract.ts';
import { Broadcast } from '../entities.ts';
import { notify } from './notes.ts';

type Params = Input<typeof operations.broadcast>['params'];
type Answered = Output<typeof operations.broadcast>;
type Audience = Broadcast['audience'];

const BATCH = 1_000;
/** People register while staff read the preview; a number that is further off was counted for something else. */
const MOST_DRIFT = 0.01;
const SEND_BROADCAST = 'send-broadcast';

/**
 * Announces something to many users, in their languages: without `confirm` it is only counted whom it is for. For
 * superusers; leaves an audit row. The same id again is answered with what became of it.
 * Throws permission_denied, conflict (the number is another by now), idempotency_conflict.
 */
export async function broadcast(
  ctx: Context,
  { params, reason }: Input<typeof operations.broadcast>,
): Promise<Answered> {
  ensureStaff(ctx.actor, []);
  const { id, audience, confirm } = params;
  const known = await ctx.em.findOne(Broadcast, { id });
  if (known) return presentKnown(known, params);
  const count = await countAudience(ctx, audience);
  if (confirm === undefined) return { id, state: 'preview', count, sent: 0 };
  if (Math.abs(count - confirm) > confirm * MOST_DRIFT) throw new AppError('conflict', { current: { count } });
  const inserted = await rows(
    ctx.em,
    sql`insert into broadcasts (id, actor_id, text, audience, count, created_at)
        values (${id}, ${ctx.actor.userId}, ${JSON.stringify(textOf(params))}, ${audience}, ${count}, ${ctx.now})
        on conflict do nothing returning id`,
  );
  if (inserted.length === 0) return presentKnown(await ctx.em.findOneOrFail(Broadcast, { id }), params);
  const after = { audience, count, title: params.title.uz, body: params.body.uz };
  audit(ctx, { action: 'broadcast', resource: 'notifications', objectId: id, after, reason });
  await ctx.em.flush();
  ctx.emit(facts.broadcastWaits, { id });
  return { id, state: 'sending', count, sent: 0 };
}

const textOf = ({ title, body }: Params) => ({ title, body });

function presentKnown({ id, text, audience, count, sent, finishedAt }: Broadcast, params: Params): Answered {
  const isSame = audience === params.audience && isDeepStrictEqual(text, textOf(params));
  if (!isSame) throw new AppError('idempotency_conflict');
  return { id, state: finishedAt ? 'sent' : 'sending', count, sent };
}

/** Whoever can log in, was there when it was confirmed, and has not switched announcements off. */
function members(audience: Audience, now: Date, createdAt: Date): RawBuilder<unknown> {
  return sql`users u where u.created_at <= ${createdAt} and not ${isClosed('u', now)}
    and not exists (select from notification_preferences p where p.user_id = u.id and 'announcement' = any(p.disabled_types))
    and (${audience}::text = 'all' or exists (select from b2b_profiles b where b.user_id = u.id and b.is_enabled))`;
}

async function countAudience({ em, now }: Context, audience: Audience): Promise<number> {
  const [found] = await rows<{ count: number }>(em, sql`select count(*)::int from ${members(audience, now, now)}`);
  return found!.count;
}

interface Parts {
  executor: Executor;
  jobs: Jobs;
  log: Logger;
}

/** Sends in batches what was confirmed; one that was interrupted goes on where it was, so nobody gets it twice. */
export function createBroadcasts({ executor, jobs, log }: Parts): { start(waiting: { id: string }): void } {
  async function send({ id }: { id: string }): Promise<void> {
    const sendNext = () => {
      const request = { now: new Date(), requestId: newId(), ip: '', userAgent: null };
      return executor.transaction(request, ctx => sendBatch(ctx, id));
    };
    while (await sendNext());
  }

  const ask = (ids: readonly string[]) =>
    jobs.ask(
      SEND_BROADCAST,
      ids.map(id => ({ data: { id }, key: id })),
    );
  jobs.take<{ id: string }>({ name: SEND_BROADCAST, work: send, parallel: 1, retries: 5 });
  jobs.schedule({
    name: 'resume-broadcasts',
    cron: '* * * * *',
    work: async ({ em }) => {
      const waiting = await rows<{ id: string }>(em, sql`select id from broadcasts where finished_at is null`);
      await ask(waiting.map(one => one.id));
      return { waiting: waiting.length };
    },
  });
  return { start: ({ id }) => void ask([id]).catch(error => log.warn({ err: error }, 'broadcast waits for its job')) };
}

/** The row stays locked until the batch and the place where it ended are committed together. True: there is more. */
async function sendBatch(ctx: SharedContext, id: string): Promise<boolean> {
  const [waiting] = await rows<{
    text: Broadcast['text'];
    audience: Audience;
    reached_user_id: string | null;
    created_at: string;
  }>(
    ctx.em,
    sql`select text, audience, reached_user_id, created_at from broadcasts where id = ${id} and finished_at is null for update`,
  );
  if (!waiting) return false;
  const users = await rows<{ id: string }>(
    ctx.em,
    sql`select u.id from ${members(waiting.audience, ctx.now, new Date(waiting.created_at))}
          and (${waiting.reached_user_id}::uuid is null or u.id > ${waiting.reached_user_id}) order by u.id limit ${BATCH}`,
  );
  const said = { announcement: waiting.text };
  await notify(
    ctx,
    users.map(user => ({ userId: user.id, type: 'announcement', said, data: {} })),
  );
  const hasMore = users.length === BATCH;
  await rows(
    ctx.em,
    sql`update broadcasts set sent = sent + ${users.length}, reached_user_id = coalesce(${users.at(-1)?.id ?? null}::uuid, reached_user_id),
          finished_at = ${hasMore ? null : ctx.now} where id = ${id}`,
  );
  return hasMore;
}
