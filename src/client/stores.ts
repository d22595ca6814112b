import type { OutboxStore, Unsent } from './outbox.ts';
import type { CredentialStore, Credentials } from './tokens.ts';

/** `localStorage`, or anything like it that answers at once (React Native's MMKV). */
export interface KeyValue {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** Until the application ends. */
export function memoryCredentials(): CredentialStore {
  let held: Credentials | null = null;
  return {
    load: () => held,
    save: credentials => {
      held = credentials;
    },
  };
}

export function localCredentials(storage: KeyValue, key = 'parthub:credentials'): CredentialStore {
  return {
    // What cannot be read is no login: the next one replaces it.
    load: () => parsed<Credentials>(() => storage.getItem(key)),
    save: credentials => storage.setItem(key, JSON.stringify(credentials)),
  };
}

/** One entry per message: two tabs do not overwrite each other. */
export function localOutbox(storage: KeyValue, prefix = 'parthub:unsent:'): OutboxStore {
  return {
    load() {
      const keys = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? '');
      return keys
        .filter(key => key.startsWith(prefix))
        .flatMap(key => parsed<Unsent>(() => storage.getItem(key)) ?? []);
    },
    put: unsent => storage.setItem(prefix + unsent.message.client_id, JSON.stringify(unsent)),
    remove: clientId => storage.removeItem(prefix + clientId),
  };
}

/** null: another tab has just removed it, or it cannot be read. */
function parsed<Entry>(read: () => string | null): Entry | null {
  try {
    return JSON.parse(read() ?? 'null') as Entry | null;
  } catch {
    return null;
  }
}

interface Request<T> {
  result: T;
  error: unknown;
  onsuccess: unknown;
  onerror: unknown;
}
interface Table {
  getAll(): Request<unknown[]>;
  put(value: unknown, key: string): Request<unknown>;
  delete(key: string): Request<unknown>;
}
interface Database {
  createObjectStore(name: string): unknown;
  transaction(name: string, mode: 'readonly' | 'readwrite'): { objectStore(name: string): Table };
}
/** `indexedDB`, as far as it is used: the types of the DOM are not needed where there is none. */
export interface IndexedDb {
  open(name: string, version: number): Request<Database> & { onupgradeneeded: unknown };
}

const TABLE = 'unsent';

export function indexedDbOutbox(factory: IndexedDb, name = 'parthub'): OutboxStore {
  let opened: Promise<Database> | undefined;
  function open(): Promise<Database> {
    const request = factory.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(TABLE);
    return done(request);
  }
  async function run<T>(mode: 'readonly' | 'readwrite', act: (table: Table) => Request<T>): Promise<T> {
    opened ??= open();
    try {
      const database = await opened;
      return await done(act(database.transaction(TABLE, mode).objectStore(TABLE)));
    } catch (error) {
      // A phone closes it while the application sleeps: the next one opens it anew.
      opened = undefined;
      throw error;
    }
  }
  return {
    load: () => run('readonly', table => table.getAll()) as Promise<Unsent[]>,
    put: unsent => run('readwrite', table => table.put(unsent, unsent.message.client_id)),
    remove: clientId => run('readwrite', table => table.delete(clientId)),
  };
}

function done<T>(request: Request<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
