import { newId } from './ids.ts';
import type { CredentialStore, Credentials } from './tokens.ts';

/** What is kept of a login: read and changed in turn, so that no change is made of what another one has replaced. */
export interface Vault {
  load(): Promise<Credentials>;
  /** The same object again: nothing has changed. */
  change(next: (held: Credentials) => Credentials): Promise<Credentials>;
}

export function createVault(store: CredentialStore): Vault {
  const fresh: Credentials = { tokens: null, deviceId: newId() };
  let unsaved: Credentials | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  const load = async () => unsaved ?? (await store.load()) ?? fresh;

  async function save(changed: Credentials, held: Credentials): Promise<void> {
    unsaved = changed;
    try {
      await store.save(changed);
      unsaved = undefined;
    } catch (error) {
      // A device that cannot store a login has it until the application ends; one that cannot be removed is told.
      if (held.tokens && !changed.tokens) throw error;
    }
  }

  return {
    load,
    change(next) {
      const done = turn.then(async () => {
        const held = await load();
        const changed = next(held);
        if (changed !== held || held === fresh) await save(changed, held);
        return changed;
      });
      turn = done.catch(() => {});
      return done;
    },
  };
}
