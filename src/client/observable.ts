/** Made for `useSyncExternalStore(one.subscribe, one.getSnapshot)`: the snapshot is the same object until it changes. */
export interface Observable<T> {
  getSnapshot: () => T;
  /** Returns what ends it. */
  subscribe: (listener: () => void) => () => void;
}

export interface Source<T> extends Observable<T> {
  /** What the snapshot is made of has changed. */
  changed(): void;
  isWatched(): boolean;
}

/** Tells each of them; one that throws keeps nobody else from being told, and shows up as any error of the application. */
export function tellAll<Told extends unknown[]>(listeners: Iterable<(...told: Told) => void>, ...told: Told): void {
  for (const listener of [...listeners])
    try {
      listener(...told);
    } catch (error) {
      setTimeout(() => {
        throw error;
      });
    }
}

/** A snapshot that is computed when it is looked at. */
export function observe<T>(compute: (before: T | undefined) => T): Source<T> {
  const listeners = new Set<() => void>();
  let held: { value: T } | undefined;
  let isStale = true;
  return {
    getSnapshot() {
      if (isStale) held = { value: compute(held?.value) };
      isStale = false;
      return held!.value;
    },
    subscribe(listener) {
      // The same function may be subscribed twice, and each ends by itself.
      const own = () => listener();
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    changed() {
      isStale = true;
      tellAll(listeners);
    },
    isWatched: () => listeners.size > 0,
  };
}
