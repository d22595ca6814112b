import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { Logger } from 'pino';
import { type Orm, rows } from '../../common/database.ts';
import type { Jobs } from '../../common/jobs.ts';
import type { Config } from '../../config.ts';
import { countBadges, type NotificationRow } from './present.ts';
import { isPushEndpoint, postTo } from './push-endpoints.ts';

export const SEND_PUSH = 'send-push';
export interface SendPush {
  id: string;
  subscriptionId: string;
  /** How often the service has put it off. */
  delays?: number;
}

const RETRIES = 5;
/** What a service asks for beyond this is not waited for: the note would wake somebody long after. */
const MOST_DELAY_MS = 15 * 60_000;
const LEAST_DELAY_MS = 1_000;

/** A browser that is away for longer finds the note in the list. */
const TTL_SEC = 86_400;

interface Parts {
  orm: Orm;
  log: Logger;
  jobs: Jobs;
  config: Config;
}

interface Due extends NotificationRow {
  subscription_id: string;
  endpoint: string;
  p256dh: string;
  auth: string;
}

/** Sends one note to one browser; a browser that is gone is forgotten, one whose service is busy is tried again. */
export function createPushSender({ orm, log, jobs, config }: Parts): void {
  const vapidDetails = {
    subject: config.VAPID_SUBJECT!,
    publicKey: config.VAPID_PUBLIC_KEY!,
    privateKey: config.VAPID_PRIVATE_KEY!,
  };

  async function send(piece: SendPush): Promise<void> {
    const due = await findDue(orm, piece.id, piece.subscriptionId);
    if (!due || !isPushEndpoint(config, due.endpoint)) return;
    const { endpoint, p256dh, auth } = due;
    const options = { vapidDetails, TTL: TTL_SEC, topic: topicOf(due), urgency: urgencyOf(due) } as const;
    const payload = await payloadOf(orm, due);
    const { default: webPush } = await import('web-push');
    const details = webPush.generateRequestDetails({ endpoint, keys: { p256dh, auth } }, payload, options);
    const headers = details.headers as Record<string, string>;
    const { status, retryAfterMs } = await postTo(endpoint, {
      headers,
      body: details.body,
      timeScale: config.TEST_TIME_SCALE,
    });
    if (status === 404 || status === 410) await forget(orm, due);
    else if (status === 429 || status >= 500) {
      const isPutOff = retryAfterMs !== undefined && (await putOff(piece, retryAfterMs));
      if (!isPutOff) throw new Error(`push service answered ${status}`);
    } else if (status >= 300) log.warn({ status, host: new URL(endpoint).host }, 'push service refused');
  }

  /** False where it was put off too often, or jobs do not run here any more. */
  async function putOff({ delays = 0, ...rest }: SendPush, askedMs: number): Promise<boolean> {
    if (delays >= RETRIES) return false;
    const afterMs = Math.min(Math.max(askedMs, LEAST_DELAY_MS), MOST_DELAY_MS) / config.TEST_TIME_SCALE;
    return jobs.ask<SendPush>(SEND_PUSH, [{ data: { ...rest, delays: delays + 1 }, key: keyOf(rest), afterMs }]);
  }

  jobs.take<SendPush>({ name: SEND_PUSH, work: send, parallel: 20, retries: RETRIES });
}

export const keyOf = ({ id, subscriptionId }: SendPush): string => `${id} ${subscriptionId}`;

/** Not any more once it was read, or the session has ended. */
async function findDue(orm: Orm, id: string, subscriptionId: string): Promise<Due | undefined> {
  const [due] = await rows<Due>(
    orm.em.fork(),
    sql`select n.*, p.id as subscription_id, p.endpoint, p.p256dh, p.auth
        from notifications n join push_subscriptions p on p.id = ${subscriptionId} and p.user_id = n.user_id
        join sessions s on s.id = p.session_id and s.revoked_at is null and s.expires_at > now()
        where n.id = ${id} and n.read_at is null`,
  );
  return due;
}

/** Encrypted for the browser: the service in between reads nothing of it. `tag` lets it replace what it shows of a group. */
async function payloadOf(orm: Orm, note: Due): Promise<string> {
  const { id, type, group_key, count, title, body, data, user_id } = note;
  const badges = await countBadges({ em: orm.em.fork() }, [user_id]);
  const shown = { id, type, group_key, count, title, body: body.slice(0, 500), data };
  return JSON.stringify({ ...shown, badge: badges.get(user_id), tag: group_key ?? id });
}

/** A push that waits for a browser is replaced by the next of its group; it tells the service nothing of the group. */
function topicOf({ id, group_key, user_id }: Due): string {
  const hash = createHash('sha256').update(`${user_id} ${group_key ?? id}`);
  return hash.digest('base64url').slice(0, 32);
}

function urgencyOf({ type }: Due): 'high' | 'normal' {
  return type === 'chat_message' || type.startsWith('security_') ? 'high' : 'normal';
}

async function forget(orm: Orm, { subscription_id, endpoint }: Due): Promise<void> {
  await rows(
    orm.em.fork(),
    sql`delete from push_subscriptions where id = ${subscription_id} and endpoint = ${endpoint}`,
  );
}
