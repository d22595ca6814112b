import type { Socket } from 'socket.io-client';
import { wholeView } from '../conformance/devices.ts';
import type { Account } from '../load/rooms.ts';
import type { SocketLike } from '../src/client/ask.ts';
import { type Chat, createChat } from '../src/client/chat.ts';
import { createConnection } from '../src/client/connection.ts';
import type { Message } from '../src/client/contract.ts';
import type { Ack } from '../src/client/errors.ts';
import { createRest } from '../src/client/rest.ts';
import { memoryCredentials } from '../src/client/stores.ts';
import { type CredentialStore, createSession } from '../src/client/tokens.ts';
import { startProxy, type TestProxy } from '../tests/support/proxy.ts';
import type { Instance } from './instance.ts';
import type { Attempt, Ledger } from './ledger.ts';
import type { Site } from './site.ts';

/** The published client of one user, on a line of its own to the balancer. */
export interface Device {
  chat: Chat;
  socket: Socket;
  threadId: string;
  line: TestProxy;
  /** Its access token. */
  token(): Promise<string | null>;
  /** Where it was connected last. */
  instance(): Instance | null;
  /** When it showed which message first. */
  shownAt: ReadonlyMap<string, number>;
  shown(threadId: string): Promise<readonly Message[]>;
  /** Stops and goes on reading, as a device does that is put to sleep. */
  sleep(): void;
  wake(): void;
  close(): Promise<void>;
}

interface Options {
  site: Site;
  threadId: string;
  store: CredentialStore;
  name: string;
  random: () => number;
  ledger: Ledger;
}

/** Of the login that devices of one user share, as tabs of a browser do. */
export function credentialsOf({ access, refresh }: Account, deviceId: string): CredentialStore {
  const store = memoryCredentials();
  store.save({ tokens: { access, refresh, expiresAt: 0 }, deviceId });
  return store;
}

export async function startDevice({ site, threadId, store, name, random, ledger }: Options): Promise<Device> {
  let instance: Instance | null = null;
  const line = await startProxy(() => {
    instance = site.fleet.next();
    return instance?.url ?? null;
  });
  const onEnded = (reason: string) => void ledger.refused.set(`login of ${name}`, reason);
  const session = createSession({ store, refresh: refresh => rest.refreshTokens({ refresh }), onEnded });
  const rest = createRest({ url: site.front.url, session: () => session });
  const connection = createConnection({ url: line.url, session, handshake: async () => ({ device_id: name }), random });
  const socket = connection.chat;
  const screen = watchScreen();
  const onChange = (changed: string) => {
    if (changed === threadId) screen.shows(chat.views().get(threadId)?.messages ?? []);
  };
  const note = (attempt: Omit<Attempt, 'instance' | 'device'>) =>
    void ledger.attempts.push({ ...attempt, instance, device });
  const onRefused = ({ client_id }: { client_id: string }, { code }: { code: string }) =>
    void ledger.refused.set(client_id, code);
  const chat = createChat(metered(socket, note), { random, onChange, onRefused });
  const wire = () => (socket.io.engine?.transport as unknown as { ws?: { pause(): void; resume(): void } })?.ws;
  const device: Device = {
    ...{ chat, socket, threadId, line, shownAt: screen.shownAt },
    token: session.access,
    instance: () => instance,
    shown: thread => wholeView(chat, thread),
    sleep: () => wire()?.pause(),
    wake: () => wire()?.resume(),
    async close() {
      connection.close();
      await line.close();
    },
  };
  watchAbsences(device, ledger);
  connection.open();
  return device;
}

/** When each message appeared on it first. */
function watchScreen(): { shownAt: Map<string, number>; shows(messages: readonly Message[]): void } {
  const shownAt = new Map<string, number>();
  let shownUpTo = 0;
  return {
    shownAt,
    shows(messages) {
      for (let at = messages.length - 1; at >= 0 && messages[at]!.seq > shownUpTo; at -= 1)
        shownAt.set(messages[at]!.client_id, performance.now());
      shownUpTo = messages.at(-1)?.seq ?? 0;
    },
  };
}

function watchAbsences(device: Device, ledger: Ledger): void {
  let leftAt = 0;
  device.socket.on('disconnect', () => {
    leftAt ||= performance.now();
  });
  device.socket.on('session:ready', () => {
    if (leftAt > 0) ledger.absences.push({ device, from: leftAt, ms: performance.now() - leftAt });
    leftAt = 0;
  });
}

/** The socket as it is; what every send was answered is noted. */
function metered(socket: Socket, note: (attempt: Omit<Attempt, 'instance' | 'device'>) => void): SocketLike {
  return {
    get connected() {
      return socket.connected;
    },
    on: (event, listener) => socket.on(event, listener),
    timeout: ms => ({
      async emitWithAck(event, payload) {
        const at = performance.now();
        const answer: Promise<Ack<{ message: Message; duplicate: boolean }>> = socket.timeout(ms).emitWithAck(event, payload); // biome-ignore format: one line reads better
        if (event !== 'message:send') return answer;
        const { client_id: clientId, thread_id: threadId } = payload as { client_id: string; thread_id: string };
        const end = (result: string, seq = 0, isDuplicate = false) =>
          note({ ...{ clientId, threadId, at, result, seq, isDuplicate }, answeredAt: performance.now() });
        answer.then(
          ack => (ack.ok ? end('ok', ack.data.message.seq, ack.data.duplicate) : end(ack.error.code)),
          error => end(/timed out/.test(error.message) ? 'late' : 'cut'),
        );
        return answer;
      },
    }),
  };
}
