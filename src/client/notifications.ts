import { askOver, type SocketLike } from './ask.ts';
import type { Notification, NotificationsCalls, NotificationsEvents } from './contract.ts';
import { type Ack, dataOf } from './errors.ts';
import { type Observable, observe, tellAll } from './observable.ts';

export type Badge = NotificationsEvents['badge:updated']['badge'];

export interface NotificationList {
  items: readonly Notification[];
  hasMore: boolean;
  /** Something was missed since it was read. */
  isStale: boolean;
}

export interface Notifications {
  list: Observable<NotificationList>;
  badge: Observable<Badge>;
  /** Reads the first page, which counts as seen. */
  load(): Promise<void>;
  loadMore(): Promise<void>;
  read(what: NotificationsCalls['notification:read']['payload']): Promise<void>;
  readAll(): Promise<void>;
  /** Each new one that should be shown with a sound; returns what ends it. */
  onAlert(listener: (notification: Notification) => void): () => void;
  setBadge(badge: Badge): void;
  forget(): void;
}

type Pushed = NotificationsEvents['notification:created'];

/** Rows are compared by `rev`, so a push may come twice, late or together with a list. */
export function createNotifications(socket: SocketLike): Notifications {
  const ask = askOver<NotificationsCalls>(socket);
  const rows = new Map<string, Notification>();
  const removed = new Map<string, number>();
  const cameMeanwhile = new Set<string>();
  const alertListeners = new Set<(notification: Notification) => void>();
  let cursor: string | null = null;
  let isStale = true;
  let held: Badge = { unread: 0, unseen: 0 };
  let pushes = 0;
  const badge = observe(() => held);
  const list = observe<NotificationList>(() => ({
    // ids of version 7 rise with time, which settles equal moments
    items: [...rows.values()].sort((a, b) => (a.updated_at === b.updated_at ? (a.id < b.id ? 1 : -1) : a.updated_at < b.updated_at ? 1 : -1)), // biome-ignore format: one line reads better
    hasMore: cursor !== null,
    isStale,
  }));

  function setBadge(changed: Badge): void {
    if (changed.unread === held.unread && changed.unseen === held.unseen) return;
    held = changed;
    badge.changed();
  }

  function take(notification: Notification): boolean {
    const known = Math.max(rows.get(notification.id)?.rev ?? 0, removed.get(notification.id) ?? 0);
    if (notification.rev <= known) return false;
    rows.set(notification.id, notification);
    return true;
  }

  function pushed(now: Badge): void {
    pushes += 1;
    setBadge(now);
  }

  /** What was pushed while it was asked is newer: the server counts for its pushes one after the other. */
  async function answerOf<Answer extends { badge: Badge }>(asked: Promise<Ack<Answer>>): Promise<Answer> {
    const before = pushes;
    const answer = dataOf(await asked);
    if (pushes === before) setBadge(answer.badge);
    return answer;
  }

  async function page(payload: NotificationsCalls['notification:list']['payload']): Promise<readonly Notification[]> {
    const { results, next_cursor } = await answerOf(ask('notification:list', payload));
    cursor = next_cursor;
    return results;
  }

  /** What is in the page, and what was pushed while it was read; anything else may have been removed. */
  async function load(): Promise<void> {
    cameMeanwhile.clear();
    const results = await page({ limit: 50 });
    for (const id of [...rows.keys()]) if (!cameMeanwhile.has(id)) rows.delete(id);
    results.forEach(take);
    isStale = false;
    list.changed();
  }

  function heard({ notification, badge: now, alert }: Pushed): void {
    const isNews = take(notification);
    cameMeanwhile.add(notification.id);
    pushed(now);
    if (!isNews) return;
    list.changed();
    if (alert && notification.read_at === null) tellAll(alertListeners, notification);
  }

  socket.on('notification:created', heard);
  socket.on('notification:updated', heard);
  socket.on('notification:removed', ({ notification, badge: now }: Pushed) => {
    removed.set(notification.id, notification.rev);
    rows.delete(notification.id);
    pushed(now);
    list.changed();
  });
  socket.on('badge:updated', (push: { badge: Badge }) => pushed(push.badge));
  socket.on('disconnect', () => {
    isStale = true;
    list.changed();
  });
  socket.on('session:ready', () => {
    // Reading the list counts as seeing it, so it is read again only while somebody looks.
    if (list.isWatched()) load().catch(() => {});
  });

  return {
    ...{ list, badge, load, setBadge },
    async loadMore() {
      if (cursor === null) return;
      (await page({ limit: 50, cursor })).forEach(take);
      list.changed();
    },
    async read(what) {
      await answerOf(ask('notification:read', what));
    },
    async readAll() {
      await answerOf(ask('notification:read-all', {}));
    },
    onAlert(listener) {
      alertListeners.add(listener);
      return () => void alertListeners.delete(listener);
    },
    forget() {
      rows.clear();
      removed.clear();
      cursor = null;
      setBadge({ unread: 0, unseen: 0 });
      list.changed();
    },
  };
}
