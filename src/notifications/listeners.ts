import { facts as accounts } from '../accounts/contract.ts';
import { facts as b2b } from '../b2b/contract.ts';
import { facts as billing, type OfSubscription } from '../billing/contract.ts';
import * as chat from '../chat/contract.ts';
import type { Announcement, Listeners } from '../common/announcements.ts';
import type { SharedContext } from '../common/context.ts';
import type { Executor } from '../common/execute.ts';
import type { Jobs } from '../common/jobs.ts';
import type { Fact } from '../common/operations.ts';
import type { Config } from '../config.ts';
import { facts } from './contract.ts';
import { createBroadcasts } from './service/broadcasts.ts';
import { forgetDeleted, forgetThread, showEdited } from './service/followed-messages.ts';
import { forgetSearch, forgetSessions, forgetUsers, searchGroup } from './service/forget.ts';
import { type Note, notify } from './service/notes.ts';
import { createPusher, type Pusher } from './service/push.ts';
import { createPushSender } from './service/push-sender.ts';
import { readThreadNotes } from './service/read.ts';
import { createTeller, type TellerParts } from './service/tell.ts';
import { sayDay } from './service/texts.ts';

type Told<F> = F extends Fact<infer Payload> ? Payload : never;

/** What others announce and users should know; every row is written in the announcing transaction. */
export function notificationsListeners(listeners: Listeners): void {
  const tell = <Payload>(fact: Fact<Payload>, notesOf: (payload: Payload, ctx: SharedContext) => Note | Note[]) =>
    listeners.on(fact, (announced: Announcement<Payload>[], ctx) =>
      notify(
        ctx,
        announced.flatMap(({ payload }) => notesOf(payload, ctx)),
      ),
    );
  tell(accounts.loggedIn, loginNote);
  tell(accounts.securityChanged, securityNote);
  tell(b2b.profileEnabled, profileNote);
  tell(b2b.profileRejected, ({ userId, reason }) => businessNote('b2b_rejected', userId, reason));
  tell(b2b.postReviewed, reviewNote);
  tell(b2b.postExpiring, (payload, { config }) => ({
    ...postNote('post_expiring', payload, sayDay(payload.expiresAt, config.BILLING_TZ)),
    data: { post_id: payload.post.id, until: payload.expiresAt },
  }));
  tell(b2b.postExpired, payload => postNote('post_expired', payload));
  tell(b2b.searchMatched, matchNotes);
  tell(b2b.contactRevealed, contactNote);
  tell(billing.subscriptionActivated, planNote('subscription_activated'));
  tell(billing.subscriptionExpiring, planNote('subscription_expiring'));
  tell(billing.subscriptionExpired, planNote('subscription_expired'));
  tell(billing.subscriptionCanceled, planNote('subscription_canceled'));
  listeners.on(b2b.searchDeleted, async (deleted, ctx) => {
    for (const { payload } of deleted) await forgetSearch(ctx, payload);
  });
  followChat(listeners);
  listeners.on(accounts.sessionsEnded, (ended, ctx) =>
    forgetSessions(
      ctx,
      ended.flatMap(({ payload }) => payload.sessionIds),
    ),
  );
  listeners.on(accounts.userDeleted, (deleted, ctx) =>
    forgetUsers(
      ctx,
      deleted.map(({ payload }) => payload.userId),
    ),
  );
}

interface Telling extends TellerParts {
  config: Config;
  executor: Executor;
  jobs: Jobs;
  isLive: (userId: string) => Promise<boolean>;
}

/** Only a server tells devices and browsers what was written; the command line leaves it to the sweep of one. */
export function tellingListeners(listeners: Listeners, parts: Telling): { settled(): Promise<void> } {
  const teller = createTeller(parts);
  const pusher = openWebPush(parts);
  listeners.afterCommit(facts.notesWritten, written => {
    teller.tell(written);
    pusher?.expect(written);
  });
  listeners.afterCommit(facts.badgesChanged, teller.tellBadges);
  listeners.afterCommit(facts.broadcastWaits, createBroadcasts(parts).start);
  return { settled: async () => void (await Promise.all([teller.settled(), pusher?.settled()])) };
}

/** Off until it has keys. */
function openWebPush(parts: Telling): Pusher | null {
  if (parts.config.VAPID_PRIVATE_KEY === undefined) return null;
  createPushSender(parts);
  return createPusher({ ...parts, timeScale: parts.config.TEST_TIME_SCALE });
}

/** Notes of messages say what is in the conversation. */
function followChat(listeners: Listeners): void {
  listeners.on(chat.facts.threadRead, (read, ctx) =>
    readThreadNotes(
      ctx,
      read.map(({ payload }) => payload),
    ),
  );
  listeners.on(chat.events.messageEdited, async (edited, ctx) => {
    for (const { payload, to } of edited) await showEdited(ctx, payload, to);
  });
  listeners.on(chat.events.messageDeleted, async (deleted, ctx) => {
    for (const { payload, to } of deleted) await forgetDeleted(ctx, payload, to);
  });
  listeners.on(chat.events.accessRevoked, async (revoked, ctx) => {
    for (const { payload, to } of revoked) await forgetThread(ctx, payload.thread_id, to);
  });
}

function loginNote({ userId, device }: Told<typeof accounts.loggedIn>): Note {
  return { userId, type: 'security_login', said: { title: 'security_login', body: device ?? '' }, data: {} };
}

function securityNote({ userId, what }: Told<typeof accounts.securityChanged>): Note {
  return { userId, type: 'security_changed', said: { title: `security_${what}` }, data: { what } };
}

function profileNote({ userId, isEnabled, reason }: Told<typeof b2b.profileEnabled>): Note {
  return businessNote(isEnabled ? 'b2b_enabled' : 'b2b_suspended', userId, reason);
}

function businessNote(
  type: 'b2b_enabled' | 'b2b_rejected' | 'b2b_suspended',
  userId: string,
  reason: string | null | undefined,
): Note {
  return { userId, type, said: { title: type, body: reason ?? '' }, data: reason ? { reason } : {} };
}

function postNote(
  type: `post_${'approved' | 'rejected' | 'hidden' | 'expiring' | 'expired'}`,
  { authorId, post }: { authorId: string; post: { id: string; title: string } },
  more?: string | null,
): Note {
  const body = more ? `${post.title}: ${more}` : post.title;
  return { userId: authorId, type, said: { title: type, body }, data: { post_id: post.id } };
}

function reviewNote(payload: Told<typeof b2b.postReviewed>): Note {
  const { decision, reason } = payload;
  const note = postNote(`post_${decision}`, payload, reason);
  return reason ? { ...note, data: { ...note.data, reason } } : note;
}

function matchNotes({ post, authorId, matches }: Told<typeof b2b.searchMatched>): Note[] {
  return matches.map(({ userId, searchId, name }) => ({
    ...{ userId, type: 'search_match', groupKey: searchGroup(searchId), actorId: authorId },
    said: { title: 'search_match', about: name, body: post.title },
    data: { post_id: post.id, search_id: searchId },
  }));
}

function contactNote({ authorId, post, userId: actorId }: Told<typeof b2b.contactRevealed>): Note {
  return {
    ...{ userId: authorId, type: 'contact_revealed', groupKey: `contact:${post.id}`, actorId },
    said: { title: 'contact_revealed', body: post.title },
    data: { post_id: post.id },
  };
}

function planNote(type: `subscription_${'activated' | 'expiring' | 'expired' | 'canceled'}`) {
  return ({ userId, planCode, planName, until }: OfSubscription, { config }: SharedContext): Note => ({
    ...{ userId, type },
    said: { title: type, body: `${planName} · ${sayDay(until, config.BILLING_TZ)}` },
    data: { plan: planCode, until },
  });
}
