import { glob, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findUnpacked } from '../tests/support/debian.ts';

/** The wall clock of one process, which can be set wrong while it runs; what only counts time is left alone. */
export interface Clock {
  env: Record<string, string>;
  step(seconds: number): Promise<void>;
}

/** libfaketime, in front of the C library of a process. */
export async function createClock(folder: string, name: string): Promise<Clock> {
  const library = await findUnpacked({ name: 'libfaketime', packages: ['libfaketime'], find: findLibrary });
  const file = join(folder, `clock-${name}`);
  const step = (seconds: number) => writeFile(file, `${seconds < 0 ? '' : '+'}${seconds}`);
  await step(0);
  const env = { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_CACHE_DURATION: '1' };
  return { env: { ...env, FAKETIME_DONT_FAKE_MONOTONIC: '1', FAKETIME_DONT_RESET: '1' }, step };
}

async function findLibrary(folder: string): Promise<string | undefined> {
  const [found] = await Array.fromAsync(glob('usr/lib/*/faketime/libfaketime.so.1', { cwd: folder }));
  return found && join(folder, found);
}
