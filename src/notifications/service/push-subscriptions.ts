import { ECDH } from 'node:crypto';
import { sql } from 'kysely';
import type { Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import { newId } from '../../common/ids.ts';
import type { Input, Output } from '../../common/operations.ts';
import type { operations } from '../contract.ts';
import { isPushEndpoint } from './push-endpoints.ts';

/** One more ends the oldest: a browser that was reset has left its old one behind. */
const MOST_PER_USER = 20;

/**
 * Lets the caller's session be told by web push. An endpoint is one browser: whoever logs in there takes it over.
 * Throws validation_failed for an endpoint that is at no maker of browsers or a key that is none, invalid_state while web
 * push is off.
 */
export async function subscribePush(
  { em, now, actor, config }: Context,
  { endpoint, keys }: Input<typeof operations.subscribePush>,
): Promise<Output<typeof operations.subscribePush>> {
  if (config.VAPID_PRIVATE_KEY === undefined) throw new AppError('invalid_state', { state: 'web_push_off' });
  if (!isPushEndpoint(config, endpoint))
    throw new AppError('validation_failed', { fields: [{ path: 'endpoint', code: 'not_allowed' }] });
  if (!isPoint(keys.p256dh))
    throw new AppError('validation_failed', { fields: [{ path: 'keys.p256dh', code: 'invalid_key' }] });
  const [stored] = await rows<{ id: string }>(
    em,
    sql`insert into push_subscriptions (id, user_id, session_id, endpoint, p256dh, auth, created_at)
        values (${newId()}, ${actor.userId}, ${actor.sessionId}, ${endpoint}, ${keys.p256dh}, ${keys.auth}, ${now})
        on conflict (endpoint) do update set user_id = excluded.user_id, session_id = excluded.session_id,
          p256dh = excluded.p256dh, auth = excluded.auth returning id`,
  );
  await rows(
    em,
    sql`delete from push_subscriptions where id in (
          select id from push_subscriptions where user_id = ${actor.userId} and id <> ${stored!.id}
          order by id desc offset ${MOST_PER_USER - 1})`,
  );
  return stored!;
}

/** Whether a push can be encrypted for it: most bytes are no point of the curve. */
function isPoint(key: string): boolean {
  try {
    ECDH.convertKey(key, 'prime256v1', 'base64url');
    return true;
  } catch {
    return false;
  }
}

/** Ends a web push subscription of the caller; one of somebody else stays, and nothing is told of it. */
export async function unsubscribePush(
  { em, actor }: Context,
  { endpoint }: Input<typeof operations.unsubscribePush>,
): Promise<Output<typeof operations.unsubscribePush>> {
  await rows(em, sql`delete from push_subscriptions where endpoint = ${endpoint} and user_id = ${actor.userId}`);
  return {};
}
