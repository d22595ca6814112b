import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Role } from '../src/common/context.ts';
import type { Contract, HttpPath, Method, Operation } from '../src/common/operations.ts';
import { contracts } from '../src/contracts.ts';
import { ask, type TestUser, useApp } from './support/app.ts';
import { buildDealer } from './support/worlds.ts';

const app = useApp({ RATE_LIMITS: 'off' });

/** S-32: who is let in where. A route or event without a row fails; who sees which object is told by the modules' tests. */
const staffRoles = ['moderator', 'billing', 'support', 'auditor', 'superuser'] as const;
const roles = ['nobody', 'user', 'enabled', ...staffRoles] as const;
type Who = (typeof roles)[number];
type Verdict = 'pass' | 'auth_required' | 'permission_denied' | 'b2b_not_enabled';
type Row = Record<Who, Verdict>;

const all = (verdict: Verdict): Row => Object.fromEntries(roles.map(role => [role, verdict])) as Row;
const everybody: Row = all('pass');
const members: Row = { ...everybody, nobody: 'auth_required' };
const readers: Row = { ...members, user: 'b2b_not_enabled' };
const businesses: Row = { ...all('b2b_not_enabled'), nobody: 'auth_required', enabled: 'pass' };
const staff = (...allowed: Role[]): Row =>
  Object.fromEntries(
    roles.map(role => [
      role,
      role === 'nobody'
        ? 'auth_required'
        : role === 'superuser' || allowed.includes(role as Role)
          ? 'pass'
          : 'permission_denied',
    ]),
  ) as Row;

interface Rule {
  row: Row;
  /** What gets as far as the rule; by default nothing but ids. */
  input?: object;
}
const rule = (row: Row, input?: object): Rule => ({ row, ...(input && { input }) });
/** What everybody may who sees a resource. */
const records = (name: string, allowed: Role[]): Record<string, Rule> =>
  Object.fromEntries(
    ['List', 'Export', 'Get', 'History'].map(verb => [`admin${verb}${name}`, rule(staff(...allowed))]),
  );
const post = { title: 'Tormoz kolodkasi' };
const text = { uz: 'Yangilik', ru: 'Новость', en: 'News' };
const broadcastParams = { id: randomUUID(), title: text, body: text };

const rules: Record<string, Record<string, Rule>> = {
  accounts: {
    requestOtp: rule(everybody),
    verifyOtp: rule(everybody),
    setPassword: rule({ ...everybody, nobody: 'auth_required' }, { password: 'a long enough one' }),
    login: rule(everybody),
    refreshTokens: rule(everybody),
    logout: rule(members),
    getMe: rule(members),
    updateMe: rule(members),
    deleteMe: rule(members),
    changePhone: rule(members),
    listSessions: rule(members),
    endSession: rule(members),
    adminLogin: rule(everybody),
    adminVerify: rule(everybody),
    actOnUsers: rule(staff('support'), { action: 'revoke_sessions', ids: [randomUUID()] }),
    actOnSessions: rule(staff('support'), { action: 'end', ids: [randomUUID()] }),
    actOnOtpLog: rule(staff('support'), { action: 'unblock_ip', ids: [randomUUID()] }),
  },
  billing: {
    listPlans: rule(everybody),
    getBilling: rule(members),
    requestSubscription: rule(members),
    cancelSubscription: rule(members),
    actOnSubscriptions: rule(staff('billing'), { action: 'extend', ids: [randomUUID()], params: { days: 1 } }),
    actOnPlans: rule(staff('billing'), { action: 'deactivate', ids: [randomUUID()] }),
  },
  uploads: { uploadImage: rule(members) },
  b2b: {
    listCategories: rule(everybody),
    listBrands: rule(everybody),
    listRegions: rule(everybody),
    suggest: rule(readers, { q: 'kolodka' }),
    listSavedSearches: rule(readers),
    createSavedSearch: rule(readers, { name: 'Kolodka', filters: { q: 'kolodka' } }),
    updateSavedSearch: rule(readers),
    deleteSavedSearch: rule(readers),
    getProfile: rule(members),
    putProfile: rule(members),
    listPosts: rule(readers),
    createPost: rule(businesses, post),
    getPost: rule(readers),
    updatePost: rule(businesses, post),
    replacePost: rule(businesses, post),
    deletePost: rule(businesses),
    publishPost: rule(businesses),
    closePost: rule(businesses),
    renewPost: rule(businesses),
    addFavorite: rule(readers),
    removeFavorite: rule(readers),
    listFavorites: rule(readers),
    revealContact: rule(readers),
    actOnProfiles: rule(staff('moderator'), { action: 'enable', ids: [randomUUID()] }),
    actOnPosts: rule(staff('moderator'), { action: 'approve', ids: [randomUUID()] }),
    addBannedWord: rule(staff('moderator'), { word: 'taqiqlangan' }),
    removeBannedWord: rule(staff('moderator')),
  },
  chat: {
    openThread: rule(readers, { post_id: randomUUID() }),
    reportPost: rule(readers, { reason: 'spam' }),
    actOnReports: rule(staff('moderator'), { action: 'assign', ids: [randomUUID()] }),
    actOnThreads: rule(staff('moderator'), {
      ...{ action: 'unlock', ids: [randomUUID()], params: { report_id: randomUUID() } },
    }),
    listReportedThreads: rule(staff('moderator'), { report_id: randomUUID() }),
    getReportedThread: rule(staff('moderator'), { report_id: randomUUID() }),
    ...Object.fromEntries(
      [
        ...[
          'pull',
          'listThreads',
          'getThread',
          'history',
          'listMessages',
          'sendMessage',
          'readThread',
          'markDelivered',
          'markUnread',
        ],
        ...[
          'muteThread',
          'archiveThread',
          'editMessage',
          'deleteMessage',
          'reactToMessage',
          'searchMessages',
          'focusThread',
        ],
        ...['blockUser', 'unblockUser', 'createReport', 'startTyping', 'stopTyping'],
      ].map(name => [name, rule(members)]),
    ),
  },
  presence: {
    subscribe: rule(members, { user_ids: [randomUUID()] }),
    get: rule(members, { user_ids: [randomUUID()] }),
    ping: rule(members),
    setMode: rule(members, { mode: 'auto' }),
  },
  notifications: {
    listNotifications: rule(members),
    readNotifications: rule(members),
    readAllNotifications: rule(members),
    getPreferences: rule(members),
    setPreferences: rule(members),
    subscribePush: rule(members),
    unsubscribePush: rule(members),
    broadcast: rule(staff(), { params: broadcastParams }),
  },
  admin: {
    adminHome: rule(staff('moderator', 'billing', 'support', 'auditor')),
    adminCharts: rule(staff('moderator', 'billing', 'support', 'auditor')),
    ...records('B2bProfiles', ['moderator', 'auditor']),
    adminUpdateB2bProfiles: rule(staff('moderator')),
    ...records('Posts', ['moderator', 'auditor']),
    ...records('Reports', ['moderator', 'auditor']),
    ...records('Categories', ['moderator', 'auditor']),
    adminUpdateCategories: rule(staff('moderator')),
    ...records('Brands', ['moderator', 'auditor']),
    adminUpdateBrands: rule(staff('moderator')),
    ...records('Regions', ['moderator', 'auditor']),
    adminUpdateRegions: rule(staff('moderator')),
    ...records('BannedWords', ['moderator', 'auditor']),
    ...records('Plans', ['billing', 'auditor']),
    adminCreatePlans: rule(staff('billing'), { code: 'gold', name: 'Gold', price: '1.00' }),
    adminUpdatePlans: rule(staff('billing')),
    ...records('Subscriptions', ['billing', 'auditor']),
    ...records('Users', ['support', 'auditor']),
    adminUpdateUsers: rule(staff('support')),
    ...records('Sessions', ['support', 'auditor']),
    ...records('OtpLog', ['support', 'auditor']),
    ...records('Notifications', ['auditor']),
    ...records('Audit', ['auditor']),
  },
};

const operationsOf = Object.entries(contracts as Record<string, Contract>).flatMap(([module, contract]) =>
  Object.entries(contract.operations).map(([name, operation]) => ({
    module,
    name,
    operation,
    namespace: contract.namespace,
  })),
);

async function buildWho(who: Who): Promise<TestUser | null> {
  if (who === 'nobody') return null;
  if (who === 'enabled') return buildDealer(app, { plan: 'premium' });
  return app.buildUser({ role: who });
}

function verdictOf(code: string | undefined): Verdict {
  return code === 'auth_required' || code === 'permission_denied' || code === 'b2b_not_enabled' ? code : 'pass';
}

async function overRest(who: Who, path: HttpPath, input: Record<string, unknown>): Promise<Verdict> {
  const [method, template] = path.split(' ') as [Method, string];
  const url = template.replace(/\{(\w+)\}/g, (_all, name) => String(input[name] ?? randomUUID()));
  const isRead = method === 'GET';
  const query = isRead ? `?${new URLSearchParams(input as Record<string, string>)}` : '';
  const { body } = await app.request(method, await buildWho(who), url + query, isRead ? undefined : input);
  return verdictOf(body?.code);
}

async function overSocket(who: TestUser, namespace: string, event: string, input: object): Promise<Verdict> {
  const socket = await app.connect(who, namespace);
  const ack = await ask(socket, event, { thread_id: randomUUID(), post_id: randomUUID(), ...input });
  socket.close();
  return verdictOf(ack.ok ? undefined : ack.error.code);
}

test('S-32: every route and event has its row, and no row is left over', () => {
  const declared = operationsOf.map(({ module, name }) => `${module}.${name}`).sort();
  const known = Object.entries(rules).flatMap(([module, own]) => Object.keys(own).map(name => `${module}.${name}`));
  expect(known.sort()).toEqual(declared);
});

const routes = operationsOf.flatMap(one =>
  [one.operation.http ?? []].flat().map(path => ({ ...one, path: path as HttpPath })),
);

test.each(routes)('S-32: $path lets in whom it should', async ({ module, name, path }) => {
  const { row, input = {} } = rules[module]![name]!;
  const verdicts = await Promise.all(roles.map(async who => [who, await overRest(who, path, { ...input })]));
  expect(Object.fromEntries(verdicts)).toEqual(row);
});

const acknowledged = ({ operation }: { operation: Operation }) => operation.socket !== undefined && !operation.volatile;

test.each(operationsOf.filter(acknowledged))(
  'S-32: $operation.socket lets in whom it should',
  async ({ module, name, operation, namespace }) => {
    const { row, input = {} } = rules[module]![name]!;
    const connected = roles.filter(who => who !== 'nobody');
    const verdicts = await Promise.all(
      connected.map(async who => [who, await overSocket((await buildWho(who))!, namespace!, operation.socket!, input)]),
    );
    const { nobody: _, ...expected } = row;
    expect(Object.fromEntries(verdicts)).toEqual(expected);
  },
);
