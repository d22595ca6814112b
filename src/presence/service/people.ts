import type { State } from '../contract.ts';
import { type Leases, type Look, lastsFor, statusOf } from './leases.ts';
import type { Times } from './times.ts';
import type { Watcher } from './watchers.ts';

/** A user that sockets of this node watch. */
export interface Person {
  id: string;
  /** What those who may see the user are to be shown; null: not known yet. */
  state: State | null;
  lastSeenAt: Date | null;
  /** Whether its changes are told to this node; `again`: they were, and may be told no more. */
  followed: 'no' | 'yes' | 'again';
  /** When to look again, on this node's own clock. */
  lookAt: number;
  /** Who has the user on the list and may see how it is, and who has and may not. */
  seeing: Set<Watcher>;
  missing: Set<Watcher>;
}

export interface People {
  /** Made where there is none. */
  get(userId: string): Person;
  find(userId: string): Person | undefined;
  /** Something has changed, or must be found out for the first time. */
  touch(userId: string): void;
  touchAll(): void;
  /** Looks at those that were touched or are due. */
  refresh(): Promise<void>;
  /** Finds out what is not known of them so far. */
  learn(people: readonly Person[]): Promise<void>;
  /** How users are at this moment, without keeping it. */
  peek(lastSeen: ReadonlyMap<string, Date | null>): Promise<ReadonlyMap<string, State>>;
  /** Nothing can be known until `touchAll`. */
  lose(): void;
}

interface Parts {
  leases: Leases;
  times: Times;
  isAway: () => boolean;
  onChange: (person: Person) => void;
  /** The store failed. */
  onFailure: (error: unknown) => void;
}

const LOOK_AT_ONCE = 1_000;

/** What this node knows of the users that its sockets watch. */
export function createPeople({ leases, times, isAway, onChange, onFailure }: Parts): People {
  const people = new Map<string, Person>();
  const touched = new Set<string>();
  let scannedAt = 0;

  function show(person: Person, state: State): void {
    if (isSame(person.state, state)) return;
    person.state = state;
    onChange(person);
  }

  function apply(person: Person, { now, sightings }: Look): void {
    const sighting = sightings.get(person.id);
    const lastsMs = sighting ? lastsFor(sighting, now, times) : Number.POSITIVE_INFINITY;
    person.lookAt = performance.now() + Math.min(lastsMs, times.look);
    const state = presentState(person.id, { now, sightings }, person.lastSeenAt, times);
    if (state.last_seen_at !== null) person.lastSeenAt = new Date(state.last_seen_at);
    show(person, state);
  }

  async function look(some: readonly Person[]): Promise<void> {
    const strangers = some.filter(person => person.followed !== 'yes');
    // Before it is so: whoever is forgotten meanwhile is then unfollowed after it.
    for (const person of strangers) person.followed = 'yes';
    if (strangers.length > 0) await leases.follow(idsOf(strangers));
    const found = await leases.look(idsOf(some));
    for (const person of some) apply(person, found);
  }

  async function lookInSlices(some: readonly Person[]): Promise<void> {
    try {
      for (let from = 0; from < some.length && !isAway(); from += LOOK_AT_ONCE)
        await look(some.slice(from, from + LOOK_AT_ONCE));
    } catch (error) {
      onFailure(error);
    }
    if (isAway()) for (const person of some) show(person, unknown(person.id));
  }

  /** Those that nobody watches are not looked at again but forgotten. */
  function takeDue(): Person[] {
    const now = performance.now();
    if (now - scannedAt >= times.check) {
      scannedAt = now;
      for (const person of people.values()) if (person.lookAt <= now) touched.add(person.id);
    }
    const due = [...touched].flatMap(id => people.get(id) ?? []);
    touched.clear();
    const forgotten = due.filter(person => person.seeing.size === 0);
    for (const person of forgotten) if (person.missing.size === 0) people.delete(person.id);
    const followed = forgotten.filter(person => person.followed !== 'no');
    if (followed.length > 0) leases.unfollow(idsOf(followed));
    for (const person of forgotten) Object.assign(person, { followed: 'no', state: null, lookAt: now + times.look });
    return due.filter(person => person.seeing.size > 0);
  }

  return {
    get(id) {
      const known = people.get(id);
      if (known) return known;
      const lookAt = performance.now() + times.look;
      const none = { state: null, lastSeenAt: null, lookAt };
      const person: Person = { id, ...none, followed: 'no', seeing: new Set(), missing: new Set() };
      people.set(id, person);
      return person;
    },
    find: id => people.get(id),
    touch: id => void touched.add(id),
    touchAll() {
      for (const person of people.values()) {
        if (person.followed === 'yes') person.followed = 'again';
        touched.add(person.id);
      }
    },
    async refresh() {
      if (isAway()) return;
      const due = takeDue();
      if (due.length > 0) await lookInSlices(due);
    },
    learn: some => lookInSlices(some.filter(person => person.state === null || touched.has(person.id))),
    async peek(lastSeen) {
      const ids = [...lastSeen.keys()];
      const found = isAway() || ids.length === 0 ? null : await leases.look(ids).catch(() => null);
      return new Map(ids.map(id => [id, found ? presentState(id, found, lastSeen.get(id)!, times) : unknown(id)]));
    },
    lose() {
      for (const person of people.values()) if (person.seeing.size > 0) show(person, unknown(person.id));
    },
  };
}

const idsOf = (people: readonly Person[]): string[] => people.map(({ id }) => id);

const unknown = (user_id: string): State => ({ user_id, status: 'unknown', last_seen_at: null });

function presentState(user_id: string, { now, sightings }: Look, stored: Date | null, times: Times): State {
  const sighting = sightings.get(user_id);
  const status = sighting ? statusOf(sighting, now, times) : 'offline';
  if (status !== 'offline') return { user_id, status, last_seen_at: null };
  const lastSeen = Math.max(sighting?.endsAt ?? 0, stored?.getTime() ?? 0);
  return { user_id, status, last_seen_at: lastSeen > 0 ? new Date(lastSeen).toISOString() : null };
}

function isSame(one: State | null, other: State): boolean {
  return one !== null && one.status === other.status && one.last_seen_at === other.last_seen_at;
}
