import { facts as accounts } from '../accounts/contract.ts';
import { facts as b2b } from '../b2b/contract.ts';
import { facts as billing } from '../billing/contract.ts';
import { facts as chat } from '../chat/contract.ts';
import type { Listeners } from '../common/announcements.ts';
import { type Note, notify } from './service/notify.ts';
import { readThreadNotes } from './service/read.ts';

/** What others announce and users should know; every row is written in the announcing transaction. */
export function notificationsListeners(listeners: Listeners): void {
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
