import { createChat } from './chat.ts';
import { createConnection } from './connection.ts';
import type { ChatCalls, ChatEvents, RestCalls, User } from './contract.ts';
import { createConversations } from './conversations.ts';
import { dataOf, ParthubError } from './errors.ts';
import { createFocus } from './focus.ts';
import { newId } from './ids.ts';
import { createNotifications } from './notifications.ts';
import { type Observable, observe } from './observable.ts';
import { createOpenings } from './openings.ts';
import type { OutboxStore, Outgoing } from './outbox.ts';
import { createPresence } from './presence.ts';
import { createReceipts } from './receipts.ts';
import { createRest } from './rest.ts';
import { memoryCredentials } from './stores.ts';
import { wait as anyWait, atMost, type Wait } from './timers.ts';
import { type CredentialStore, createSession, type GivenTokens, type Session } from './tokens.ts';
import { createTyping } from './typing.ts';

export interface ClientOptions {
  /** `https://api.example.uz` */
  url: string;
  /** Where the login is kept; without it a restart needs a new one. */
  credentials?: CredentialStore | undefined;
  /** Where unsent messages are kept. */
  outbox?: OutboxStore | undefined;
  /** `uz`, `uz-Cyrl`, `ru` or `en`. */
  locale?: string | undefined;
  /** What the list of sessions shows. */
  device?: { name?: string; platform?: string } | undefined;
  fetch?: typeof fetch | undefined;
  wait?: Wait | undefined;
  random?: (() => number) | undefined;
}

/** Who uses this client: null when nobody does, and why the last login ended. */
export interface Account {
  user: User | null;
  ended: string | null;
}

export type NewMessage = Pick<Outgoing, 'text' | 'attachments' | 'reply_to'>;
type Event = keyof ChatCalls & string;
const SIGN_OUT_MS = 5_000;
export type Client = ReturnType<typeof createClient>;

/** Calls, sockets and state of one user: it reconnects, renews its login, sends what waits, and fetches what it missed. */
export function createClient(options: ClientOptions) {
  const { credentials = memoryCredentials(), wait, random } = options;
  const url = options.url.replace(/\/$/, '');
  const session: Session = createSession({
    store: credentials,
    refresh: refresh => rest.refreshTokens({ refresh }),
    onEnded: forget,
    ...{ wait, random },
  });
  const rest = createRest({ url, session: () => ({ ...session, access }), locale: () => options.locale, fetch: options.fetch }); // biome-ignore format: one line reads better
  const handshake = async () => ({
    device_id: (await session.device()).device_id,
    ...(options.locale && { locale: options.locale }),
  });
  const connection = createConnection({ url, session, handshake, wait, random });
  const chat = createChat(connection.chat, { onChange: threadChanged, store: options.outbox, wait, random });
  const presence = createPresence(connection.presence, { wait });
  const notifications = createNotifications(connection.notifications);
  const emit = (event: Event, payload: object) => void connection.chat.volatile.emit(event, payload);
  const typing = createTyping({ emit, onChange: threadId => shown.typingChanged(threadId), wait });
  let account: Account = { user: null, ended: null };
  let userId: string | null = null;
  let wishes = 0;
  const accountSource = observe(() => account);
  const receipts = createReceipts({ ask: chat.ask, views: chat.views, userId: () => userId, wait });
  // Not volatile: at the beginning of a connection that would be dropped, the transport being busy with the pull.
  const say = (event: Event, payload: object): boolean => {
    if (connection.chat.connected) connection.chat.emit(event, payload);
    return connection.chat.connected;
  };
  const focus = createFocus(say, wait);
  const shown = createConversations({ chat, typing, userId: () => userId });

  function threadChanged(threadId: string): void {
    shown.changed(threadId);
    receipts.check();
  }

  function become(changed: Account): void {
    account = changed;
    accountSource.changed();
  }

  /** A later wish counts, also while an earlier one still waits for its token. */
  function close(): void {
    wishes += 1;
    connection.close();
  }

  function clear(keep: { keepUnsent: boolean }): void {
    close();
    chat.forget(keep);
    userId = null;
    typing.reset();
    forgetShown();
  }

  function forgetShown(): void {
    receipts.forget();
    notifications.forget();
    shown.allChanged();
  }

  function forget(reason: string): void {
    // Refused or revoked, not signed out: what waits to be sent waits for the same user.
    clear({ keepUnsent: reason !== 'signed_out' });
    if (account.user || !account.ended) become({ user: null, ended: reason });
  }

  /** Somebody else has logged in in another tab: what is asked here was not asked by them, and this tab becomes theirs. */
  async function access(): Promise<string | null> {
    const owner = await session.user();
    if (userId === null || owner === null || owner === userId) return session.access();
    const isWanted = connection.state.getSnapshot().state !== 'offline';
    clear({ keepUnsent: true });
    become({ user: null, ended: null });
    if (isWanted) connection.open();
    throw new ParthubError('session_revoked');
  }

  async function keep(tokens: GivenTokens & { user: User }): Promise<User> {
    await session.keep(tokens);
    if (userId !== tokens.user.id) clear({ keepUnsent: true });
    chat.signedIn(tokens.user.id);
    become({ user: tokens.user, ended: null });
    connection.open();
    return tokens.user;
  }

  async function readAccount(): Promise<void> {
    const badge = notifications.badge.getSnapshot();
    const user = await rest.getMe();
    if (user.id !== userId) return;
    become({ user, ended: null });
    // What was pushed meanwhile is newer.
    if (notifications.badge.getSnapshot() === badge) notifications.setBadge(user.badge);
  }

  /** As far as the network lets it: one that has fallen silent keeps nobody signed in. */
  async function tellSignOut(scope: 'current' | 'all'): Promise<void> {
    const late = new AbortController();
    await atMost(SIGN_OUT_MS, rest.logout({ scope }, { signal: late.signal }), wait ?? anyWait);
    late.abort();
  }

  // What is written before the first connection has an author too.
  session.user().then(
    user => user && chat.claim(user),
    () => {},
  );
  connection.chat.on('session:ready', (ready: { user_id: string }) => {
    const before = userId;
    userId = ready.user_id;
    // Another tab has logged in as somebody else.
    if (before !== null && before !== userId) forgetShown();
    session.learn(userId).catch(() => {});
    focus.repeat();
    receipts.repeat();
    receipts.check();
    // Only what is shown of oneself: the next connection asks again.
    readAccount().catch(() => {});
  });
  connection.chat.on('disconnect', typing.reset);
  connection.chat.on('typing:updated', typing.heard);
  connection.chat.on('message:created', ({ thread_id, message }: ChatEvents['message:created']) => {
    // whoever has sent it does not write any more
    if (message.sender.id) typing.heard({ thread_id, user_id: message.sender.id, state: 'stop', expires_in_ms: 0 });
  });

  return {
    rest,
    presence,
    notifications,
    connection: connection.state,
    account: accountSource as Observable<Account>,
    threads: shown.threads,
    unread: shown.unread,
    unsent: shown.unsent,
    thread: shown.thread,
    /** Connects if somebody is logged in; call it at the start, and whenever the application comes back to the front. */
    async connect(): Promise<boolean> {
      const wish = ++wishes;
      // Without a network somebody is logged in all the same: the connection tries for as long as it takes.
      const token = await session.access().catch((error: unknown) => {
        if (!(error instanceof ParthubError)) throw error;
      });
      if (token === null && (userId !== null || account.user)) forget('auth_required');
      if (token !== null && wish === wishes) connection.open();
      return token !== null;
    },
    /** Until `connect`. */
    disconnect: close,
    requestCode: (phone: string, more: Omit<RestCalls['requestOtp']['payload'], 'phone'> = {}) =>
      rest.requestOtp({ phone, ...more }),
    /** With the code of `requestCode`, or with a password. */
    async signIn(
      by: { phone: string; code: string; otp_id?: string; password?: string } | { phone: string; password: string },
    ) {
      const device = { ...(await session.device()), ...options.device };
      const given = 'code' in by ? await rest.verifyOtp({ ...by, device }) : await rest.login({ ...by, device });
      if (!('access' in given)) throw new ParthubError('verification_invalid');
      return keep(given);
    },
    /** Forgets the user on this device, even when the server cannot be told. */
    async signOut(scope: 'current' | 'all' = 'current'): Promise<void> {
      close();
      const user = await session.user();
      await tellSignOut(scope);
      await session.end('signed_out', user);
      if ((await session.user()) === null) chat.forget({ keepUnsent: false });
    },
    /** Shown at once as pending; sent until the server has it, also after a restart. Returns its `client_id`. */
    send(threadId: string, message: NewMessage): string {
      const client_id = newId();
      typing.stop(threadId);
      chat.send({ thread_id: threadId, client_id, ...message });
      return client_id;
    },
    retry: chat.retry,
    discard: chat.discard,
    loadOlder: chat.loadOlder,
    /** The one conversation about a post, with a first message; after `network` it may be called again. */
    openThread: createOpenings(chat.ask),
    markRead: receipts.read,
    /** For every key that is pressed. */
    type: typing.type,
    /** Which conversation is looked at: its notifications stay quiet. */
    focus: focus.set,
    /** Any other event of the chat: edit, delete, react, mute, archive, block, report, search. Throws `ParthubError`. */
    async ask<Name extends Event>(
      event: Name,
      payload: ChatCalls[Name]['payload'],
    ): Promise<ChatCalls[Name]['result']> {
      return dataOf(await chat.ask(event, payload));
    },
  };
}
