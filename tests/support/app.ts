import { randomUUID } from 'node:crypto';
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll } from 'vitest';
import { Session, User } from '../../src/accounts/entities.ts';
import { type App, buildApp } from '../../src/app.ts';
import { signAccess } from '../../src/common/auth.ts';
import type { Role } from '../../src/common/context.ts';
import { newId, randomToken } from '../../src/common/ids.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { createTestDatabase } from './postgres.ts';

export { eventually } from './eventually.ts';

export interface TestUser {
  id: string;
  phone: string;
  sessionId: string;
  token: string;
}

export interface NewUser {
  role?: Role;
  phone?: string;
  fullName?: string;
  passwordHash?: string;
}

export interface Reply {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
  body: any;
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
export type Ack = { ok: true; data: any } | { ok: false; error: any };

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
type Who = TestUser | null;
type Headers_ = Record<string, string>;

/** A running server on a database of its own, asked through its real doors. */
export interface TestApp extends App {
  config: Config;
  url: string;
  request(method: Method, who: Who, path: string, body?: unknown, headers?: Headers_): Promise<Reply>;
  get(who: Who, path: string, headers?: Headers_): Promise<Reply>;
  post(who: Who, path: string, body?: unknown, headers?: Headers_): Promise<Reply>;
  put(who: Who, path: string, body?: unknown, headers?: Headers_): Promise<Reply>;
  patch(who: Who, path: string, body?: unknown, headers?: Headers_): Promise<Reply>;
  delete(who: Who, path: string, body?: unknown, headers?: Headers_): Promise<Reply>;
  /** A connected socket, past its `session:ready`; closed with the app. */
  connect(who: TestUser, namespace: string, auth?: object): Promise<Socket>;
  /** The same user with a token of another moment, for requests with X-Test-Now. */
  tokenOf(who: TestUser, moment: Date): TestUser;
  /** A user with a live session, without the detour over a code. */
  buildUser(more?: NewUser): Promise<TestUser>;
}

const SECRET_KEY = 'a secret key of tests: longer than 32 bytes';

export function testConfig(databaseUrl: string, env: Record<string, string> = {}): Config {
  return loadConfig({
    NODE_ENV: 'test',
    DEBUG: '1',
    SECRET_KEY,
    LOG_LEVEL: 'silent',
    PORT: '0',
    DATABASE_URL: databaseUrl,
    ...env,
  });
}

export async function startApp(databaseUrl: string, env: Record<string, string> = {}): Promise<TestApp> {
  const config = testConfig(databaseUrl, env);
  const app = await buildApp(config, databaseUrl);
  const url = `http://127.0.0.1:${await app.listen()}`;
  const open = new Set<Socket>();

  async function request(
    method: Method,
    who: Who,
    path: string,
    body?: unknown,
    headers: Headers_ = {},
  ): Promise<Reply> {
    const response = await fetch(url + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(who && { authorization: `Bearer ${who.token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  }

  return {
    ...app,
    config,
    url,
    request,
    get: (who, path, headers) => request('GET', who, path, undefined, headers),
    post: (who, path, body = {}, headers = {}) => request('POST', who, path, body, headers),
    put: (who, path, body = {}, headers = {}) => request('PUT', who, path, body, headers),
    patch: (who, path, body = {}, headers = {}) => request('PATCH', who, path, body, headers),
    delete: (who, path, body, headers) => request('DELETE', who, path, body, headers),
    async connect(who, namespace, auth = {}) {
      const socket = openSocket(url, namespace, { token: who.token, ...auth });
      open.add(socket);
      await once(socket, 'session:ready');
      return socket;
    },
    tokenOf: (who, moment) => ({ ...who, token: signToken(config, who, 'user', moment) }),
    buildUser: more => buildUser(app, config, more),
    async close(drainMs) {
      for (const socket of open) socket.close();
      await app.close(drainMs);
    },
  };
}

export function openSocket(url: string, namespace: string, auth: object): Socket {
  return io(url + namespace, { transports: ['websocket'], auth, forceNew: true, reconnection: false });
}

let lastPhone = 0;

async function buildUser(app: App, config: Config, more: NewUser = {}): Promise<TestUser> {
  const em = app.orm.em.fork();
  const now = new Date();
  lastPhone += 1;
  const user = em.create(User, {
    id: newId(),
    phone: more.phone ?? `+99890${String(1_000_000 + lastPhone)}`,
    fullName: more.fullName ?? null,
    role: more.role ?? 'user',
    passwordHash: more.passwordHash ?? null,
    createdAt: now,
  });
  const session = em.create(Session, {
    id: newId(),
    user: user.id,
    salt: Buffer.from(randomToken(32)),
    amr: ['otp', 'pwd'],
    ...{ authAt: now, createdAt: now, refreshedAt: now },
    expiresAt: new Date(now.getTime() + config.REFRESH_TTL * 1000),
  });
  await em.flush();
  const who = { id: user.id, phone: user.reachablePhone(), sessionId: session.id };
  return { ...who, token: signToken(config, who, user.role, now) };
}

function signToken(
  config: Config,
  { id, sessionId }: Pick<TestUser, 'id' | 'sessionId'>,
  role: Role,
  now: Date,
): string {
  const claims = { sub: id, sid: sessionId, role, amr: ['otp', 'pwd'], auth_time: Math.floor(now.getTime() / 1000) };
  return signAccess(config, claims, now);
}

/** One server for a test file: `const app = useApp();`, ready when the first test runs. */
export function useApp(env: Record<string, string> = {}): TestApp {
  const holder = {} as TestApp;
  let drop: () => Promise<void>;
  beforeAll(async () => {
    const database = await createTestDatabase();
    drop = database.drop;
    Object.assign(holder, await startApp(database.url, env));
  });
  afterAll(async () => {
    await holder.close();
    await drop();
  });
  return holder;
}

/** Emits and waits for the ack. */
export function ask(socket: Socket, event: string, payload: unknown): Promise<Ack> {
  return socket.timeout(15_000).emitWithAck(event, payload);
}

/** Everything that this socket hears of an event, in order, as it comes. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into any push
export function record(socket: Socket, event: string): any[] {
  const heard: unknown[] = [];
  socket.on(event, payload => heard.push(payload));
  return heard;
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into any push
export function once(socket: Socket, event: string): Promise<any> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${event} within 10 s`)), 10_000);
    socket.once(event, payload => {
      clearTimeout(timer);
      resolve(payload);
    });
    socket.once('connect_error', reject);
  });
}

export const newClientId = (): string => randomUUID();
