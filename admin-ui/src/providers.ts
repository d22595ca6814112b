import { type AuthProvider, type DataProvider, type GetListParams, HttpError } from 'react-admin';
import { announce } from './announce.ts';
import { type AdminResource, ask, forgetHome, type Home, readHome, send } from './api.ts';
import { fieldErrors, renamed, topOf } from './field-errors.ts';
import { i18nProvider } from './i18n.ts';
import { dropTokens, isLoggedIn, keepTokens, type Pair } from './session.ts';

const AGAIN_MS = 1_000;

/** Without it there is nothing to draw: a server that is just being restarted is asked until it answers. */
async function homeAtLast(): Promise<Home> {
  for (;;)
    try {
      return await readHome();
    } catch (error) {
      const { status } = error as HttpError;
      if (status > 0 && status < 500) throw error;
      await new Promise(resolve => setTimeout(resolve, AGAIN_MS));
    }
}

export const authProvider: AuthProvider = {
  login: async tokens => keepTokens(tokens),
  async logout() {
    if (isLoggedIn()) await ask('POST', '/api/auth/logout/').catch(() => {});
    dropTokens();
    forgetHome();
  },
  async checkAuth() {
    if (!isLoggedIn()) throw new Error();
  },
  async checkError({ status }) {
    if (status !== 401) return;
    dropTokens();
    forgetHome();
    throw new Error();
  },
  getPermissions: (): Promise<Home | null> => (isLoggedIn() ? homeAtLast() : Promise.resolve(null)),
};

export const beginLogin = (phone: string, password: string) =>
  send<{ otp_id: string; dev_code?: string }>('POST', '/api/admin/login/', { phone, password });
export const finishLogin = (otp_id: string, code: string) =>
  send<Pair>('POST', '/api/admin/login/verify/', { otp_id, code });

const pathOf = (resource: string, rest = '') => `/api/admin/${resource}/${rest}`;

/** Fewer letters are not searched for: who types the first one is not told that it is too few. */
const LEAST_SEARCHED = 2;

function isGiven([name, value]: [string, unknown]): boolean {
  if (name === 'q') return String(value ?? '').trim().length >= LEAST_SEARCHED;
  return value !== undefined && value !== null && value !== '';
}

export function filterQuery(filter: Record<string, unknown>): URLSearchParams {
  const given = Object.entries(filter).filter(isGiven);
  return new URLSearchParams(given.map(([name, value]) => [name === 'q' ? 'search' : name, String(value)]));
}

function listQuery({ pagination, sort, filter }: GetListParams, needsPages: boolean): URLSearchParams {
  const query = filterQuery(filter);
  if (!needsPages) return query;
  query.set('page', String(pagination?.page ?? 1));
  query.set('page_size', String(pagination?.perPage ?? 25));
  if (sort && sort.field !== 'id') query.set('ordering', `${sort.order === 'DESC' ? '-' : ''}${sort.field}`);
  return query;
}

type Rec = Record<string, unknown>;
const changed = (data: Rec, before: Rec, names: string[]) =>
  Object.fromEntries(
    names.filter(name => JSON.stringify(data[name]) !== JSON.stringify(before[name])).map(name => [name, data[name]]),
  );

async function fieldsOf(resource: string, isNew: boolean): Promise<string[]> {
  const { resources } = await readHome();
  const fields = resources.find(({ name }) => name === resource)?.fields ?? [];
  return fields.filter(field => isNew || !field.once_only).map(({ name }) => name);
}

/** A list has no inputs beside which it could be said. */
function worded(error: unknown, { filters = [] }: Partial<AdminResource> = {}): unknown {
  const wrong = Object.entries(fieldErrors(error));
  if (wrong.length === 0) return error;
  const labelOf = (path: string) => filters.find(({ name }) => name === path)?.label ?? path;
  const said = wrong.map(([path, text]) => `${labelOf(path)}: ${i18nProvider.translate(text)}`);
  return new HttpError(said.join(' '), (error as HttpError).status, (error as HttpError).body);
}

const rethrow = (change: (error: unknown) => unknown) => (error: unknown) => {
  throw change(error);
};

// biome-ignore lint/suspicious/noExplicitAny: the records of any resource
export const dataProvider: DataProvider & Record<string, any> = {
  async getList(resource, params) {
    const { resources } = await readHome();
    const described = resources.find(({ name }) => name === resource);
    const query = listQuery(params, (described?.needs ?? []).length === 0);
    const { results, count } = await ask<{ results: never[]; count: number }>(
      'GET',
      `${pathOf(resource)}?${query}`,
    ).catch(rethrow(error => worded(error, described)));
    return { data: results, total: count };
  },
  async getOne(resource, { id, meta }) {
    const query = new URLSearchParams(meta?.query ?? {});
    const data = await ask<never>('GET', `${pathOf(resource, `${id}/`)}${query.size > 0 ? `?${query}` : ''}`);
    return { data };
  },
  async getMany(resource, { ids }) {
    const data = await Promise.all(ids.map(id => ask<never>('GET', pathOf(resource, `${id}/`))));
    return { data };
  },
  getManyReference: () => Promise.reject(new Error('not used')),
  async create(resource, { data }) {
    const { resources } = await readHome();
    const described = resources.find(({ name }) => name === resource);
    if (described?.preview) return { data: (await announce(described, data as Rec)) as never };
    const names = await fieldsOf(resource, true);
    const given = Object.entries(data as Rec).filter(
      ([name, value]) => names.includes(name) && value !== undefined && value !== '',
    );
    const reason = (data as Rec)['reason'];
    const body = { ...Object.fromEntries(given), ...(reason ? { reason } : {}) };
    return { data: await ask<never>('POST', pathOf(resource), body).catch(rethrow(error => renamed(error, topOf))) };
  },
  async update(resource, { id, data, previousData }) {
    const names = await fieldsOf(resource, false);
    const { change_reason: reason } = data as Rec;
    const body = { ...changed(data as Rec, previousData as Rec, names), ...(reason ? { reason } : {}) };
    const nameOf = (path: string) => (path === 'reason' ? 'change_reason' : topOf(path));
    const work = ask<never>('PATCH', pathOf(resource, `${id}/`), body);
    return { data: await work.catch(rethrow(error => renamed(error, nameOf))) };
  },
  updateMany: () => Promise.reject(new Error('not used')),
  async delete(resource, { id, previousData }) {
    await ask('DELETE', pathOf(resource, `${id}/`));
    return { data: previousData as never };
  },
  async deleteMany(resource, { ids }) {
    for (const id of ids) await ask('DELETE', pathOf(resource, `${id}/`));
    return { data: ids };
  },
};
