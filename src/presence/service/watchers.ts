import type { EntityManager } from '@mikro-orm/postgresql';
import type { Gateway } from '../../common/sockets.ts';
import { events, type State } from '../contract.ts';
import type { People, Person } from './people.ts';
import { findSights, hidden, type Sight } from './sight.ts';
import type { Times } from './times.ts';

/** A socket with a list of whom it watches. */
export interface Watcher {
  connection: string;
  userId: string;
  /** What its client was told last of each one; null: hidden. */
  told: Map<string, State | null>;
  /** What may differ from that. */
  pending: Set<string>;
  pushedAt: number;
  /** Of whom it must be asked anew whether they may be seen. */
  doubts: Set<string>;
  askedAt: number;
  /** Counts the times it was asked. */
  round: number;
  /** The list is being answered: nothing is pushed before that. */
  isAsking: boolean;
}

export interface Watchers {
  /** The complete list of a socket, and how they are. */
  watch(em: EntityManager, who: Pick<Watcher, 'connection' | 'userId'>, userIds: readonly string[]): Promise<State[]>;
  leave(connection: string): void;
  /** A person is another than before. */
  changed(person: Person): void;
  /** From now on a user is hidden: from one viewer, or from all. */
  hide(userId: string, viewerId?: string): void;
  /** Whether a viewer may see a user is found out anew. */
  doubt(userId: string, viewerId?: string): void;
  /** The same for all sockets that were not asked about for so long. */
  doubtOlderThan(ms: number): void;
  /** Asks what is in doubt. */
  settle(fork: () => EntityManager): Promise<void>;
  /** Pushes what differs, to each socket at most once a second. */
  flush(): void;
}

interface Parts {
  people: People;
  sockets: Pick<Gateway, 'emitTo'>;
  times: Times;
}

interface Asked {
  watcher: Watcher;
  userId: string;
  round: number;
}

/** Pairs whose sight is asked for in one query. */
const PAIRS_AT_ONCE = 5_000;
/** The rest comes with the next pass: a push to all at once would hold up everything else. */
const PUSHES_AT_ONCE = 500;

/** Which socket of this node watches whom, may see whom, and has been told what. */
export function createWatchers({ people, sockets, times }: Parts): Watchers {
  const watchers = new Map<string, Watcher>();
  const doubtful = new Set<Watcher>();
  const pending = new Set<Watcher>();

  function pend(watcher: Watcher, userId: string): void {
    watcher.pending.add(userId);
    pending.add(watcher);
  }

  function setSeeing(watcher: Watcher, person: Person, isSeeing: boolean): void {
    const [from, to] = isSeeing ? [person.missing, person.seeing] : [person.seeing, person.missing];
    if (!from.delete(watcher)) return;
    to.add(watcher);
    if (person.state === null) people.touch(person.id);
    pend(watcher, person.id);
  }

  function addDoubt(watcher: Watcher, userId: string): void {
    watcher.doubts.add(userId);
    doubtful.add(watcher);
  }

  function replaceList(watcher: Watcher, userIds: readonly string[]): void {
    clearList(watcher);
    watcher.told = new Map(userIds.map(id => [id, null]));
    for (const id of userIds) {
      people.get(id).missing.add(watcher);
      addDoubt(watcher, id);
    }
  }

  function clearList(watcher: Watcher): void {
    for (const id of watcher.told.keys()) {
      people.find(id)?.seeing.delete(watcher);
      people.find(id)?.missing.delete(watcher);
    }
    watcher.told.clear();
    watcher.doubts.clear();
    watcher.pending.clear();
    doubtful.delete(watcher);
    pending.delete(watcher);
  }

  async function settleSome(em: EntityManager, some: readonly Watcher[]): Promise<void> {
    const asked = some.flatMap(watcher =>
      [...watcher.doubts].map(userId => ({ watcher, userId, round: watcher.round + 1 })),
    );
    for (const watcher of some) {
      watcher.doubts.clear();
      watcher.askedAt = performance.now();
      watcher.round += 1;
      doubtful.delete(watcher);
    }
    try {
      const pairs = asked.map(({ watcher, userId }) => ({ viewerId: watcher.userId, userId }));
      const sights = await findSights(em, pairs);
      for (const [index, one] of asked.entries()) takeAnswer(one, sights[index]!);
    } catch (error) {
      for (const { watcher, userId } of asked) if (watcher.told.has(userId)) addDoubt(watcher, userId);
      throw error;
    }
  }

  function takeAnswer({ watcher, userId, round }: Asked, sight: Sight | null): void {
    if (!watcher.told.has(userId)) return;
    // What was doubted or asked anew meanwhile is asked again: a block in between must not be overruled.
    if (watcher.round !== round || watcher.doubts.has(userId)) {
      addDoubt(watcher, userId);
      return;
    }
    const person = people.get(userId);
    person.lastSeenAt = later(person.lastSeenAt, sight?.lastSeenAt ?? null);
    setSeeing(watcher, person, sight !== null);
  }

  function stateFor(watcher: Watcher, userId: string): State | null {
    const person = people.get(userId);
    return person.seeing.has(watcher) ? person.state : null;
  }

  function push(watcher: Watcher): void {
    const changed = [...watcher.pending].filter(id => stateFor(watcher, id) !== watcher.told.get(id));
    watcher.pending.clear();
    if (changed.length === 0) return;
    sockets.emitTo(watcher.connection, events.updated, { states: changed.map(id => tell(watcher, id)) });
    watcher.pushedAt = performance.now();
  }

  function tell(watcher: Watcher, userId: string): State {
    const state = stateFor(watcher, userId);
    watcher.told.set(userId, state);
    return state ?? hidden(userId);
  }

  function eachViewer(userId: string, viewerId: string | undefined, act: (one: Watcher, person: Person) => void): void {
    const person = people.find(userId);
    if (!person) return;
    for (const watcher of [...person.seeing, ...person.missing])
      if (viewerId === undefined || watcher.userId === viewerId) act(watcher, person);
  }

  return {
    async watch(em, { connection, userId }, userIds) {
      const watcher = watchers.get(connection) ?? newWatcher(connection, userId);
      watchers.set(connection, watcher);
      const list = [...new Set(userIds)];
      watcher.isAsking = true;
      try {
        replaceList(watcher, list);
        while (watcher.doubts.size > 0) await settleSome(em, [watcher]);
        await people.learn(list.map(people.get).filter(person => person.seeing.has(watcher)));
        return list.map(id => tell(watcher, id));
      } finally {
        watcher.isAsking = false;
        if (watchers.get(connection) !== watcher) clearList(watcher);
      }
    },
    leave(connection) {
      const watcher = watchers.get(connection);
      watchers.delete(connection);
      if (watcher) clearList(watcher);
    },
    changed(person) {
      for (const watcher of person.seeing) pend(watcher, person.id);
    },
    hide: (userId, viewerId) =>
      eachViewer(userId, viewerId, (watcher, person) => {
        setSeeing(watcher, person, false);
        addDoubt(watcher, userId);
      }),
    doubt: (userId, viewerId) => eachViewer(userId, viewerId, watcher => addDoubt(watcher, userId)),
    doubtOlderThan(ms) {
      const now = performance.now();
      for (const watcher of watchers.values()) {
        if (now - watcher.askedAt < ms) continue;
        for (const id of watcher.told.keys()) addDoubt(watcher, id);
      }
    },
    async settle(fork) {
      for (let some = take(doubtful); some.length > 0; some = take(doubtful)) await settleSome(fork(), some);
    },
    flush() {
      const now = performance.now();
      let pushes = 0;
      for (const watcher of pending) {
        if (watcher.isAsking || now - watcher.pushedAt < times.push) continue;
        pending.delete(watcher);
        push(watcher);
        pushes += 1;
        if (pushes === PUSHES_AT_ONCE) return;
      }
    },
  };
}

function newWatcher(connection: string, userId: string): Watcher {
  const nothing = { told: new Map(), pending: new Set<string>(), doubts: new Set<string>(), isAsking: false };
  return { connection, userId, ...nothing, pushedAt: Number.NEGATIVE_INFINITY, askedAt: performance.now(), round: 0 };
}

/** As many as fit into one query; those that ask for themselves just now are left to it. */
function take(doubtful: ReadonlySet<Watcher>): Watcher[] {
  const taken: Watcher[] = [];
  let left = PAIRS_AT_ONCE;
  for (const watcher of doubtful) {
    if (left <= 0) break;
    if (watcher.isAsking) continue;
    taken.push(watcher);
    left -= watcher.doubts.size;
  }
  return taken;
}

function later(one: Date | null, other: Date | null): Date | null {
  return (one?.getTime() ?? 0) >= (other?.getTime() ?? 0) ? one : other;
}
