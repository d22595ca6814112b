import { io, type Socket } from 'socket.io-client';

export interface Account {
  name: string;
  phone: string;
  access: string;
}

// biome-ignore lint/suspicious/noExplicitAny: the demo reads any answer
type Json = any;

export interface Heard {
  event: string;
  payload: Json;
}

export class Refused extends Error {
  readonly status: number;
  readonly problem: Json;

  constructor(path: string, status: number, problem: Json) {
    super(`${path} was answered ${status} ${problem?.code ?? ''} ${JSON.stringify(problem?.details ?? '')}`);
    this.status = status;
    this.problem = problem;
  }
}

/** What a web or mobile client does: HTTP for calls, sockets for what is live. */
export interface Client {
  call(who: Account | null, method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<Json>;
  /** The refusal of a call that must not pass. */
  refused(who: Account | null, method: 'GET' | 'POST' | 'PUT', path: string, body?: object): Promise<Refused | null>;
  logIn(name: string, phone: string): Promise<Account>;
  /** A connected device, and everything it hears from then on. */
  connect(who: Account, namespace: string): Promise<Device>;
  close(): void;
}

export interface Device {
  heard: Heard[];
  ask(event: string, payload: object): Promise<Json>;
  /** Resolves with the payload as soon as such an event has been heard. */
  hears(event: string, matches?: (payload: Json) => boolean): Promise<Json>;
}

export function createClient(url: string): Client {
  const sockets: Socket[] = [];

  async function call(who: Account | null, method: string, path: string, body?: object): Promise<Json> {
    const headers = {
      ...(who && { authorization: `Bearer ${who.access}` }),
      ...(body && { 'content-type': 'application/json' }),
    };
    const response = await fetch(url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    const answer = response.status === 204 ? null : await response.json();
    if (!response.ok) throw new Refused(path, response.status, answer);
    return answer;
  }

  return {
    call,
    refused: (who, method, path, body) =>
      call(who, method, path, body).then(
        () => null,
        error => (error instanceof Refused ? error : Promise.reject(error)),
      ),
    async logIn(name, phone) {
      const { otp_id, dev_code } = await call(null, 'POST', '/api/auth/request-otp/', { phone });
      if (!dev_code) throw new Error('the server sends real codes: the demo needs DEV_OTP=1');
      const { access } = await call(null, 'POST', '/api/auth/verify-otp/', { phone, code: dev_code, otp_id });
      return { name, phone, access };
    },
    async connect(who, namespace) {
      const socket = io(url + namespace, { transports: ['websocket'], auth: { token: who.access }, forceNew: true });
      sockets.push(socket);
      const device = deviceOf(socket);
      await device.hears('session:ready');
      return device;
    },
    close: () => {
      for (const socket of sockets) socket.close();
    },
  };
}

const PATIENCE_MS = 5_000;

function deviceOf(socket: Socket): Device {
  const heard: Heard[] = [];
  const waiting = new Set<(one: Heard) => void>();
  socket.onAny((event, payload) => {
    heard.push({ event, payload });
    for (const wake of waiting) wake({ event, payload });
  });
  return {
    heard,
    async ask(event, payload) {
      const ack = await socket.timeout(PATIENCE_MS).emitWithAck(event, payload);
      if (!ack.ok) throw new Error(`${event} was answered ${ack.error.code}`);
      return ack.data;
    },
    hears(event, matches = () => true) {
      const fits = (one: Heard) => one.event === event && matches(one.payload);
      const before = heard.find(fits);
      if (before) return Promise.resolve(before.payload);
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${event} was not heard`)), PATIENCE_MS);
        const wake = (one: Heard) => {
          if (!fits(one)) return;
          clearTimeout(timer);
          waiting.delete(wake);
          resolve(one.payload);
        };
        waiting.add(wake);
        socket.once('connect_error', reject);
      });
    },
  };
}
