import { execFile } from 'node:child_process';
import { glob, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { isAlive } from '../../src/common/embedded-postgres/cluster.ts';

const run = promisify(execFile);
const FETCH_TIMEOUT_MS = 180_000;

interface Wanted<Found> {
  /** Of the folder in the cache. */
  name: string;
  packages: readonly string[];
  /** What is looked for below the folder that the packages were unpacked into. */
  find(folder: string): Promise<Found | undefined>;
}

/**
 * What packages of the distribution hold: from the cache, else fetched into it from the distribution's archive. That needs
 * no root, and nothing is installed.
 */
export async function findUnpacked<Found>(wanted: Wanted<Found>): Promise<Found> {
  const folder = join(await cacheFolder(), wanted.name);
  return (await wanted.find(folder)) ?? (await fetchOnce(folder, wanted));
}

/** The first folder that this user owns or can make: in a shared one somebody else could have put a program. */
async function cacheFolder(): Promise<string> {
  const uid = process.getuid?.() ?? 0;
  const home = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  for (const folder of [join(home, 'parthub'), join(tmpdir(), `parthub-cache-${uid}`)]) {
    await mkdir(folder, { recursive: true, mode: 0o700 }).catch(() => {});
    if (await stat(folder).then(found => found.uid === uid && found.mode & 0o200, () => false)) return folder; // biome-ignore format: one line reads better
  }
  throw new Error(`No cache folder: neither ${home} nor ${tmpdir()} can be written.`);
}

/** One of several test files fetches, the others wait for it. */
async function fetchOnce<Found>(folder: string, wanted: Wanted<Found>): Promise<Found> {
  const lock = `${folder}.lock`;
  const deadline = Date.now() + FETCH_TIMEOUT_MS;
  while (!(await takeLock(lock))) {
    if (Date.now() > deadline)
      throw new Error(`Another process fetches ${wanted.name} for too long; it holds ${lock}.`);
    await pause(100);
  }
  try {
    return (await wanted.find(folder)) ?? (await fetchInto(folder, wanted));
  } finally {
    await rm(lock, { force: true });
  }
}

async function takeLock(lock: string): Promise<boolean> {
  try {
    const file = await open(lock, 'wx');
    await file.write(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const holder = Number(await readFile(lock, 'utf8').catch(() => ''));
  // two that remove it at once both fetch, which harms nothing: the result is put in place by a rename
  if (holder > 0 && !isAlive(holder)) await rm(lock, { force: true });
  return false;
}

async function fetchInto<Found>(folder: string, { packages, find, name }: Wanted<Found>): Promise<Found> {
  const draft = `${folder}.new-${process.pid}`;
  try {
    await rm(draft, { recursive: true, force: true });
    await download(draft, packages);
    for await (const archive of glob('*.deb', { cwd: draft })) {
      await run('dpkg-deb', ['-x', join(draft, archive), join(draft, 'root')]);
    }
    await rm(folder, { recursive: true, force: true });
    await rename(join(draft, 'root'), folder);
    const found = await find(folder);
    if (found !== undefined) return found;
    throw new Error(`${folder} holds no ${name} that runs here.`);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Lists and archives of its own: the machine's belong to root. */
async function download(draft: string, packages: readonly string[]): Promise<void> {
  for (const part of ['lists/partial', 'cache/archives/partial']) await mkdir(join(draft, part), { recursive: true });
  const own = ['-q', '-o', `Dir::State::lists=${join(draft, 'lists')}`, '-o', `Dir::Cache=${join(draft, 'cache')}`];
  const options = { cwd: draft, timeout: FETCH_TIMEOUT_MS / 2, maxBuffer: 1 << 24 };
  await run('apt-get', [...own, 'update'], options);
  await run('apt-get', [...own, 'download', ...packages], options);
}
