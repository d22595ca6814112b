import { HttpError } from 'react-admin';

export interface Choice {
  id: string;
  label: string;
}
export interface Typed {
  name: string;
  label: string;
  type: 'id' | 'text' | 'long' | 'phone' | 'number' | 'money' | 'boolean' | 'moment' | 'choice' | 'list' | 'json';
  choices?: Choice[];
  refers?: string;
}
export interface Column extends Typed {
  sortable: boolean;
  detail: boolean;
}
export interface Field extends Typed {
  required: boolean;
  once_only: boolean;
  within?: string;
  part?: string;
  preset?: unknown;
}
export interface Param extends Typed {
  required: boolean;
  lookup?: { resource: string; value: string; title: string };
  among?: { value: string; title: string }[];
}
export interface Action {
  name: string;
  label: string;
  path: string;
  needs_reason: boolean;
  params: Param[];
}
export interface AdminResource {
  name: string;
  label: string;
  key: string;
  title: string;
  ordering: string;
  columns: Column[];
  filters: Typed[];
  searchable: boolean;
  fields: Field[];
  actions: Action[];
  preview: string | null;
  needs: string[];
  queue: { name: string; filter: Record<string, string> } | null;
  permissions: { create: boolean; edit: boolean; remove: boolean; export: boolean };
}
export type Queues = Record<string, number>;
export interface Home {
  role: string;
  resources: AdminResource[];
  checklist: { step: 'plans' | 'b2b_profile' | 'subscription'; done: boolean; label: string }[];
  queues: Queues;
}
export interface Day {
  day: string;
  registrations: number;
  posts: number;
  messages: number;
  otp_sent: number;
  otp_used: number;
  otp_cost: number;
}

interface Tokens {
  access: string;
  refresh: string;
  expiresAt: number;
  idleMs: number;
}

export interface Pair {
  access: string;
  refresh: string;
  expires_in: number;
  refresh_expires_in: number;
}

const KEY = 'parthub.admin';
const LOCALE = 'parthub.admin.locale';

/** In the tab alone: closing it is a logout for whoever sits down next. */
const stored = (): Tokens | null => JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Tokens | null;

export function keepTokens({ access, refresh, expires_in, refresh_expires_in }: Pair) {
  const [expiresAt, idleMs] = [Date.now() + (expires_in - 30) * 1000, refresh_expires_in * 1000];
  sessionStorage.setItem(KEY, JSON.stringify({ access, refresh, expiresAt, idleMs } satisfies Tokens));
}
export const dropTokens = () => sessionStorage.removeItem(KEY);
export const isLoggedIn = () => stored() !== null;

let actedAt = Date.now();
const act = () => {
  actedAt = Date.now();
};
for (const kind of ['pointerdown', 'keydown', 'wheel', 'touchmove'])
  window.addEventListener(kind, act, { capture: true, passive: true });

/** Nobody has touched the page for as long as a session of staff lasts: what asks by itself must not keep one alive. */
export const isLeftAlone = () => Date.now() - actedAt > (stored()?.idleMs ?? 0);

export const locale = (): string => localStorage.getItem(LOCALE) ?? 'uz';
export const keepLocale = (one: string) => localStorage.setItem(LOCALE, one);

let renewing: Promise<string> | null = null;

/** An access token that lives; of parallel askers one renews it. */
export async function accessToken(): Promise<string> {
  const tokens = stored();
  if (!tokens) throw new HttpError('', 401);
  if (tokens.expiresAt > Date.now()) return tokens.access;
  renewing ??= send<Pair>('POST', '/api/auth/token/refresh/', { refresh: tokens.refresh })
    .then(pair => {
      keepTokens(pair);
      return pair.access;
    })
    .finally(() => {
      renewing = null;
    });
  return renewing;
}

/** Without a token: the login. */
export async function send<T>(method: string, path: string, body?: unknown, token?: string): Promise<T> {
  const response = await fetch(path, {
    method,
    headers: {
      'Accept-Language': locale(),
      ...(token && { Authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const answer = text ? JSON.parse(text) : {};
  if (!response.ok) throw problem(response.status, answer);
  return answer as T;
}

interface Problem {
  code?: string;
  detail?: string;
  details?: { fields?: { path: string; code: string }[] };
}

/** Forms show what is wrong beside the field. */
function problem(status: number, { code, detail, details }: Problem): HttpError {
  const errors = Object.fromEntries((details?.fields ?? []).map(({ path, code: what }) => [path, what]));
  return new HttpError(detail ?? code ?? '', status, { code, ...(details?.fields && { errors }) });
}

export const ask = async <T>(method: string, path: string, body?: unknown): Promise<T> =>
  send<T>(method, path, body, await accessToken());

export async function download(path: string, fileName: string): Promise<void> {
  const response = await fetch(path, { headers: { Authorization: `Bearer ${await accessToken()}` } });
  if (!response.ok) throw new HttpError('', response.status);
  const url = URL.createObjectURL(await response.blob());
  Object.assign(document.createElement('a'), { href: url, download: fileName }).click();
  URL.revokeObjectURL(url);
}

let home: Promise<Home> | null = null;
/** What the panel is drawn from. */
export function readHome(fresh = false): Promise<Home> {
  if (fresh || !home)
    home = ask<Home>('GET', '/api/admin/').catch(error => {
      home = null;
      throw error;
    });
  return home;
}
export const forgetHome = () => {
  home = null;
};
