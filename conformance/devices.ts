import { io, type Socket } from 'socket.io-client';
import type { Account } from '../load/rooms.ts';
import { type Chat, createChat } from '../src/client/chat.ts';
import type { Message } from '../src/client/contract.ts';
import { eventually } from '../tests/support/eventually.ts';
import { ensure, pause } from './stage.ts';

// biome-ignore lint/suspicious/noExplicitAny: the kit reads any answer
export type Json = any;

export interface Heard {
  event: string;
  payload: Json;
  at: number;
}

/** A connected device of a user in one namespace, and everything it hears; it stays away once it is cut. */
export interface Device {
  socket: Socket;
  heard: Heard[];
  /** Its `session:ready`. */
  ready: Json;
  /** What an accepted event is answered with; a limit of the deployment is waited for. */
  ask(event: string, payload: object): Promise<Json>;
  /** All that it heard of one event, in order. */
  payloads(event: string): Json[];
  /** Resolves with the first push that passes. */
  hears(event: string, passes?: (payload: Json) => boolean, limitMs?: number): Promise<Heard>;
}

const ACK_LIMIT_MS = 10_000;

export async function connectDevice(url: string, { access }: Account, namespace: string): Promise<Device> {
  const socket = io(url + namespace, {
    ...{ transports: ['websocket'], forceNew: true, reconnection: false },
    auth: { token: access, protocol: 1, device_id: `conformance ${Math.random()}` },
  });
  const heard: Heard[] = [];
  socket.onAny((event, payload) => heard.push({ event, payload, at: performance.now() }));
  const ready = await readyOf(socket, url);
  const hears: Device['hears'] = (event, passes = () => true, limitMs = 5_000) =>
    eventually(() => {
      const found = heard.find(one => one.event === event && passes(one.payload));
      ensure(found !== undefined, `${event} was not heard within ${limitMs} ms`);
      return found;
    }, limitMs);
  return {
    ...{ socket, heard, ready, hears },
    ask: (event, payload) => ask(socket, event, payload),
    payloads: event => heard.filter(one => one.event === event).map(one => one.payload),
  };
}

function readyOf(socket: Socket, url: string): Promise<Json> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${url} let nobody in within 10 s`)), 10_000);
    socket.once('session:ready', resolve).once('connect_error', error => {
      const advice = /token|session/.test(error.message) ? '; make the tokens anew with seed:load' : '';
      reject(new Error(`${url} refused a connection: ${error.message}${advice}`));
    });
    socket.once('session:ready', () => clearTimeout(late)).once('connect_error', () => clearTimeout(late));
  });
}

async function ask(socket: Socket, event: string, payload: object): Promise<Json> {
  for (;;) {
    const ack: Json = await socket.timeout(ACK_LIMIT_MS).emitWithAck(event, payload);
    if (ack.ok) return ack.data;
    if (ack.error.code !== 'rate_limited') throw new Error(`${event} was answered ${ack.error.code}`);
    await pause(ack.error.retry_after_ms);
  }
}

/** The client of the package on a connection that comes back by itself. */
export interface Reader {
  chat: Chat;
  socket: Socket;
  /** How often it lost its connection. */
  losses(): number;
  /** As when the network goes: nothing is said. */
  cut(): void;
  /** Stops and goes on reading, as a device does that is put to sleep. */
  pause(): void;
  resume(): void;
  shown(threadId: string): Promise<readonly Message[]>;
}

interface Wire {
  pause(): void;
  resume(): void;
  terminate(): void;
}

export function startReader(url: string, { access }: Account, random: () => number): Reader {
  // a connection that is cut right after its upgrade is noticed by Socket.IO's client after `timeout` alone
  const patience = { timeout: 3_000, reconnectionDelay: 50, reconnectionDelayMax: 1_000 };
  const options = { transports: ['websocket'], forceNew: true, ...patience };
  const socket = io(`${url}/chat`, { ...options, auth: { token: access, protocol: 1 } });
  const chat = createChat(socket, { random });
  let lost = 0;
  socket.on('disconnect', () => {
    lost += 1;
  });
  // refused for a moment (a limit, a gate): Socket.IO leaves the namespace alone then
  socket.on('connect_error', error => {
    const { data } = error as Error & { data?: Json };
    if (data?.retryable) setTimeout(() => socket.connect(), data.retry_after_ms ?? 500);
  });
  const wire = () => (socket.io.engine?.transport as unknown as { ws?: Wire } | undefined)?.ws;
  return {
    ...{ chat, socket },
    losses: () => lost,
    cut: () => wire()?.terminate(),
    pause: () => wire()?.pause(),
    resume: () => wire()?.resume(),
    shown: threadId => wholeView(chat, threadId),
  };
}

/** What a client shows of a thread, after what it holds is completed by its history. */
export async function wholeView(chat: Chat, threadId: string): Promise<readonly Message[]> {
  while ((chat.views().get(threadId)?.messages[0]?.seq ?? 1) > 1) await chat.loadOlder(threadId);
  return chat.views().get(threadId)?.messages ?? [];
}

/** A call of the REST door. */
export async function call(
  url: string,
  who: Account | null,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): Promise<{ status: number; body: Json }> {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(who && { authorization: `Bearer ${who.access}` }),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : null };
}
