import { expect, test } from 'vitest';
import { type IndexedDb, indexedDbOutbox, localOutbox, type Unsent } from '../../src/client/index.ts';
import { storageOf } from '../support/client.ts';

const unsent = (client_id: string): Unsent => ({
  message: { thread_id: '00000000-0000-7000-8000-0000000000a1', client_id, text: 'hello' },
  ...{ queuedAt: 1, error: null, userId: null },
});

/** As much of a browser's database as is used, which the system may close. */
function createDatabase() {
  const rows = new Map<string, unknown>();
  let isClosed = false;
  const request = <T>(result: T) => {
    const made = { result, error: null, onsuccess: () => {}, onerror: () => {}, onupgradeneeded: () => {} };
    queueMicrotask(() => made.onsuccess());
    return made;
  };
  const table = {
    getAll: () => request([...rows.values()]),
    put: (value: unknown, key: string) => request(void rows.set(key, value)),
    delete: (key: string) => request(void rows.delete(key)),
  };
  const open = () => {
    isClosed = false;
    const transaction = () => {
      if (isClosed) throw new Error('InvalidStateError: The database connection is closing.');
      return { objectStore: () => table };
    };
    return request({ createObjectStore: () => {}, transaction });
  };
  const close = () => {
    isClosed = true;
  };
  return { factory: { open } as unknown as IndexedDb, close, rows };
}

test('a database that the system has closed is opened again', async () => {
  const { factory, close, rows } = createDatabase();
  const outbox = indexedDbOutbox(factory);
  await outbox.put(unsent('a'));
  close();
  await expect(outbox.put(unsent('b'))).rejects.toThrow('closing');
  await outbox.put(unsent('c'));
  expect([...rows.keys()]).toEqual(['a', 'c']);
});

test('an entry that cannot be read keeps none of the others back', async () => {
  const storage = storageOf({
    'parthub:unsent:a': '{"message":',
    'parthub:unsent:b': JSON.stringify(unsent('b')),
    other: 'x',
  });
  expect(await localOutbox(storage).load()).toEqual([unsent('b')]);
});
