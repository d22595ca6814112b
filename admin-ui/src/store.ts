import { localStorageStore, memoryStore, type Store } from 'react-admin';
import { userId } from './session.ts';

const isLook = (key: string) => /^(theme|locale|sidebar\.open)$/.test(key);
const isSaved = (key: string) => key.endsWith('.savedQueries');

/**
 * What lists are filtered by may name people: it is kept in the tab alone, as the session is, and not for whoever sits down
 * next at this browser. How the panel looks stays, and so does what was saved on purpose, for the one who saved it.
 */
export function panelStore(): Store {
  const [kept, ofTab] = [localStorageStore(), memoryStore()];
  const placeOf = (key: string): [Store, string] => {
    if (isSaved(key)) return [kept, `${key}.${userId()}`];
    return [isLook(key) ? kept : ofTab, key];
  };
  function at<T>(key: string, act: (store: Store, name: string) => T): T {
    return act(...placeOf(key));
  }
  return {
    setup() {
      kept.setup();
      ofTab.setup();
    },
    teardown() {
      kept.teardown();
      ofTab.teardown();
    },
    getItem: (key, preset) => at(key, (store, name) => store.getItem(name, preset)),
    setItem: (key, value) => at(key, (store, name) => store.setItem(name, value)),
    removeItem: key => at(key, (store, name) => store.removeItem(name)),
    removeItems: prefix => ofTab.removeItems(prefix),
    // At a logout.
    reset: () => ofTab.reset(),
    subscribe: (key, heard) => at(key, (store, name) => store.subscribe(name, heard)),
  };
}
