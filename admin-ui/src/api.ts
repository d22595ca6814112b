import { HttpError } from 'react-admin';
import { ours } from './i18n/en.ts';
import { hearSiblings, keepTokens, type Pair, stored } from './session.ts';

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

let actedAt = Date.now();
const act = () => {
  actedAt = Date.now();
};
for (const kind of ['pointerdown', 'keydown', 'wheel', 'touchmove'])
  window.addEventListener(kind, act, { capture: true, passive: true });

/** Nobody has touched the page for as long as a session of staff lasts: what asks by itself must not keep one alive. */
export const isLeftAlone = () => Date.now() - actedAt > (stored()?.idleMs ?? 0);

const LOCALE = 'parthub.admin.locale';
export const locale = (): string => localStorage.getItem(LOCALE) ?? 'uz';
export const keepLocale = (one: string) => localStorage.setItem(LOCALE, one);

let renewing: Promise<string> | null = null;

/** An access token that lives; of parallel askers one renews it. */
export async function accessToken(): Promise<string> {
  const tokens = stored();
  if (!tokens) throw new HttpError('', 401);
  if (tokens.expiresAt > Date.now()) return tokens.access;
  renewing ??= renew().finally(() => {
    renewing = null;
  });
  return renewing;
}

async function renew(): Promise<string> {
  await hearSiblings();
  const tokens = stored();
  if (!tokens) throw new HttpError('', 401);
  if (tokens.expiresAt > Date.now()) return tokens.access;
  const pair = await send<Pair>('POST', '/api/auth/token/refresh/', { refresh: tokens.refresh });
  keepTokens(pair);
  return pair.access;
}

/** Without a token: the login. */
export async function send<T>(method: string, path: string, body?: unknown, token?: string): Promise<T> {
  const response = await reach(path, {
    method,
    headers: {
      'Accept-Language': locale(),
      ...(token && { Authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw problem(response.status, problemIn(text));
  return (text ? JSON.parse(text) : {}) as T;
}

interface Problem {
  code?: string;
  detail?: string;
  details?: { fields?: { path: string; code: string }[] };
}

/** What browsers say of a server that they do not reach is English, and each its own. */
const reach = (path: string, request: RequestInit): Promise<Response> =>
  fetch(path, request).catch(() => {
    throw new HttpError('', 0);
  });

/** A balancer in front refuses in HTML. */
function problemIn(text: string): Problem {
  try {
    return JSON.parse(text) as Problem;
  } catch {
    return {};
  }
}

/** Forms show what is wrong beside the field; `path` tells which one that is. */
function problem(status: number, { code, detail, details }: Problem): HttpError {
  const errors = Object.fromEntries((details?.fields ?? []).map(({ path, code: what }) => [path, fieldText(what)]));
  return new HttpError(detail ?? code ?? '', status, { code, ...(details?.fields && { errors }) });
}

/** A key of our texts: who shows it puts it into words. */
const fieldText = (code: string) => `app.field.${Object.hasOwn(ours.field, code) ? code : 'other'}`;

export const ask = async <T>(method: string, path: string, body?: unknown): Promise<T> =>
  send<T>(method, path, body, await accessToken());

export async function download(path: string, fileName: string): Promise<void> {
  const response = await reach(path, { headers: { Authorization: `Bearer ${await accessToken()}` } });
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
