import { sql } from 'kysely';
import { facts as accounts } from '../accounts/contract.ts';
import { facts as b2b } from '../b2b/contract.ts';
import { facts as billing } from '../billing/contract.ts';
import { facts as chat, type StoredMessage } from '../chat/contract.ts';
import type { Listeners } from '../common/announcements.ts';
import type { SharedContext } from '../common/context.ts';
import { rows } from '../common/database.ts';
import { type Note, notify } from './service/notify.ts';
import { readThreadNotes } from './service/read.ts';

const BODY_LENGTH = 140;

/** What others announce and users should know; every row is written in the announcing transaction. */
export function notificationsListeners(listeners: Listeners): void {
  listeners.on(chat.messageStored, async (stored, ctx) => {
    const quiet = await findQuiet(
      ctx,
      stored.map(one => one.payload),
    );
    await notify(
      ctx,
      stored.flatMap(({ payload }) => messageNotes(payload, quiet)),
    );
  });
  listeners.on(chat.threadRead, (read, ctx) =>
    readThreadNotes(
      ctx,
      read.map(one => one.payload),
    ),
  );
  listeners.on(accounts.securityChanged, (changed, ctx) =>
    notify(
      ctx,
      changed.map(({ payload }) => securityNote(payload)),
    ),
  );
  listeners.on(accounts.loggedIn, (logins, ctx) =>
    notify(
      ctx,
      logins.map(({ payload }) => loginNote(payload)),
    ),
  );
  listeners.on(b2b.profileEnabled, (changed, ctx) =>
    notify(
      ctx,
      changed.map(({ payload }) => profileNote(payload)),
    ),
  );
  listeners.on(billing.subscriptionActivated, (activated, ctx) =>
    notify(
      ctx,
      activated.map(({ payload }) => planNote(payload)),
    ),
  );
}

function messageNotes({ message, post, recipientIds }: StoredMessage, quiet: ReadonlySet<string>): Note[] {
  const body = [...(message.text ?? '')].slice(0, BODY_LENGTH).join('');
  return recipientIds.map(userId => ({
    userId,
    type: 'chat_message',
    groupKey: `thread:${message.thread_id}`,
    count: 1,
    title: post.title,
    body,
    actorId: message.sender.id,
    data: { thread_id: message.thread_id, post_id: post.id },
    alert: !quiet.has(`${userId} ${message.thread_id}`),
  }));
}

/** Who muted the thread, or looks at it on one of their devices at this moment. */
async function findQuiet({ em, now }: SharedContext, stored: readonly StoredMessage[]): Promise<Set<string>> {
  const pairs = stored.flatMap(({ message, recipientIds }) =>
    recipientIds.map(userId => ({ userId, threadId: message.thread_id })),
  );
  const [users, threads] = [pairs.map(pair => pair.userId), pairs.map(pair => pair.threadId)];
  const found = await rows<{ user_id: string; thread_id: string }>(
    em,
    sql`select p.user_id, p.thread_id from unnest(${users}::uuid[], ${threads}::uuid[]) as given (user_id, thread_id)
        join participants p using (user_id, thread_id)
        where p.muted_until > ${now}
          or exists (select from focus_leases f where f.user_id = p.user_id and f.thread_id = p.thread_id and f.expires_at > ${now})`,
  );
  return new Set(found.map(({ user_id, thread_id }) => `${user_id} ${thread_id}`));
}

const changedTitles = { password: 'Parolingiz oʻzgartirildi', phone: 'Raqamingiz oʻzgartirildi' };

function securityNote({ userId, what }: { userId: string; what: 'password' | 'phone' }): Note {
  return { ...alone, userId, type: 'security_changed', title: changedTitles[what], body: '', data: { what } };
}

function loginNote({ userId, device }: { userId: string; device: string | null }): Note {
  return { ...alone, userId, type: 'security_login', title: 'Yangi qurilmadan kirildi', body: device ?? '', data: {} };
}

const alone = { groupKey: null, count: 1, actorId: null, alert: true } as const;

function profileNote({ userId, isEnabled }: { userId: string; isEnabled: boolean }): Note {
  const title = isEnabled ? 'Biznes profilingiz yoqildi' : 'Biznes profilingiz toʻxtatildi';
  return { ...alone, userId, type: isEnabled ? 'b2b_enabled' : 'b2b_suspended', title, body: '', data: {} };
}

function planNote({ userId, planCode }: { userId: string; planCode: string }): Note {
  return {
    ...alone,
    userId,
    type: 'subscription_activated',
    title: 'Tarifingiz faollashtirildi',
    body: planCode,
    data: { plan: planCode },
  };
}
