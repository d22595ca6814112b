import { facts as accounts } from '../accounts/contract.ts';
import { facts as chat, events as chatEvents } from '../chat/contract.ts';
import type { Listeners } from '../common/announcements.ts';
import { facts } from './contract.ts';
import { forgetUsers } from './service/last-seen.ts';
import type { Presence, SightChange } from './service/presence.ts';

export function presenceListeners(listeners: Listeners): void {
  listeners.on(accounts.userDeleted, (deleted, ctx) =>
    forgetUsers(
      ctx,
      deleted.map(({ payload }) => payload.userId),
    ),
  );
}

/** Only a server with sockets has somebody who watches. */
export function sightListeners(listeners: Listeners, presence: Presence): void {
  listeners.afterCommit(chatEvents.threadCreated, ({ thread }) => {
    const [a, b] = thread.participants.map(one => one.user.id);
    presence.changeSight(between(a!, b!), false);
  });
  listeners.afterCommit(chat.blockChanged, ({ userIds: [a, b], isBlocked }) =>
    presence.changeSight(between(a, b), isBlocked),
  );
  listeners.afterCommit(chat.participantRemoved, ({ userId, remainingIds }) =>
    presence.changeSight(
      remainingIds.flatMap(id => between(userId, id)),
      true,
    ),
  );
  listeners.afterCommit(facts.modeChanged, ({ userId, isInvisible }) =>
    presence.changeSight([{ userId }], isInvisible),
  );
}

function between(a: string, b: string): SightChange[] {
  return [
    { userId: a, viewerId: b },
    { userId: b, viewerId: a },
  ];
}
