import { chmod, cp, lstat, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { giveTo } from '../../src/common/embedded-postgres/runner.ts';
import { startEmbeddedPostgres } from '../../src/common/embedded-postgres.ts';
import {
  buildFolder,
  buildProject,
  copyPackage,
  end,
  hasEnded,
  killHard,
  launchOwner,
  ordinaryUser,
  postmasterPid,
  query,
  setFolderModes,
  startOwner,
  until,
} from '../support/embedded-postgres.ts';

let initialised = '';
beforeAll(async () => {
  initialised = await mkdtemp(join(tmpdir(), 'parthub-initialised-'));
  const postgres = await startEmbeddedPostgres({ dataDir: join(initialised, 'pg') });
  await postgres.stop();
  return () => rm(initialised, { recursive: true, force: true });
});

/** A data folder that was used before: initdb takes most of the time of a test. */
async function buildDataDir(mode?: number): Promise<string> {
  const dataDir = join(await buildFolder(mode), 'pg');
  await cp(join(initialised, 'pg'), dataDir, { recursive: true });
  return dataDir;
}

async function start(dataDir: string) {
  const postgres = await startEmbeddedPostgres({ dataDir });
  onTestFinished(() => postgres.stop());
  return postgres;
}

test('a new cluster understands Cyrillic and tells times in UTC', async () => {
  const { url, owned } = await start(join(await buildFolder(), 'pg'));
  expect(owned).toBe(true);
  await query(url, 'create extension pg_trgm');
  const [row] = await query(
    url,
    "select show_trgm('фильтр') as trigrams, lower('Ў') as lower, current_setting('timezone') as zone",
  );
  expect(row).toMatchObject({ lower: 'ў', zone: 'UTC' });
  expect(row!['trigrams']).toHaveLength(7);
});

test('another user of the machine neither reads the password nor gets in without it', async () => {
  const dataDir = await buildDataDir();
  const { url } = await start(dataDir);
  expect((await stat(dataDir)).mode & 0o077).toBe(0);
  expect((await stat(join(dataDir, 'parthub.password'))).mode & 0o077).toBe(0);
  for (const database of ['parthub', 'postgres']) {
    const { port } = new URL(url);
    await expect(query(`postgres://parthub:guess@127.0.0.1:${port}/${database}`, 'select 1')).rejects.toMatchObject({
      code: '28P01',
    });
  }
});

test('a second process uses the server that runs and does not stop it', async () => {
  const dataDir = await buildDataDir();
  const { url } = await start(dataDir);
  const second = await startOwner(dataDir);
  expect(second).toMatchObject({ url, owned: false });
  await end(second.process);
  expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('two first starts at the same moment make one cluster', async () => {
  const folder = await buildFolder();
  const owners = await Promise.all([startOwner(join(folder, 'pg')), startOwner(join(folder, 'pg'))]);
  expect(owners[0].url).toBe(owners[1].url);
  expect(owners.map(({ owned }) => owned).sort()).toEqual([false, true]);
  expect(await readdir(folder)).toEqual(['pg']);
});

test('after kill -9 of its owner the server ends, and the next start has every committed row', async () => {
  const dataDir = await buildDataDir();
  const owner = await startOwner(dataDir);
  await query(owner.url, 'create table parts as select * from generate_series(1, 1000) as id');
  const pid = await postmasterPid(dataDir);
  await killHard(owner.process);
  const { url, owned } = await start(dataDir); // while the old one may still be shutting down
  expect(await hasEnded(pid)).toBe(true);
  expect(owned).toBe(true);
  expect(await query(url, 'select count(*)::int from parts')).toEqual([{ count: 1000 }]);
});

test('a server killed by kill -9 comes back under its URL with every committed row', async () => {
  const dataDir = await buildDataDir();
  const { url } = await start(dataDir);
  await query(url, 'create table parts as select * from generate_series(1, 1000) as id');
  const pid = await postmasterPid(dataDir);
  process.kill(pid, 'SIGKILL');
  await until(async () => (await postmasterPid(dataDir).catch(() => pid)) !== pid);
  await until(() => query(url, 'select 1').then(() => true, () => false)); // biome-ignore format: one line reads better
  expect(await query(url, 'select count(*)::int from parts')).toEqual([{ count: 1000 }]);
});

test('whoever still uses a server takes it over when its owner ends', async () => {
  const dataDir = await buildDataDir();
  const owner = await startOwner(dataDir);
  const postgres = await start(dataDir);
  expect(postgres.owned).toBe(false);
  await end(owner.process);
  await until(() => postgres.owned);
  expect(await query(postgres.url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('Ctrl+C in a terminal reaches the owner and not the server', async () => {
  const dataDir = await buildDataDir();
  const owner = await startOwner(dataDir);
  const pid = await postmasterPid(dataDir);
  process.kill(-owner.process.pid!, 'SIGINT'); // the whole process group, as a terminal does
  expect(await query(owner.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  expect(await postmasterPid(dataDir)).toBe(pid);
});

test('a pid file left by a crash stops nobody, even when somebody else has the pid now', async () => {
  const dataDir = await buildDataDir(0o700);
  const first = await startEmbeddedPostgres({ dataDir });
  const pidFile = await readFile(join(dataDir, 'postmaster.pid'), 'utf8');
  await first.stop();
  await writeFile(join(dataDir, 'postmaster.pid'), pidFile.replace(/^\d+/, String(process.pid)));
  expect((await start(dataDir)).owned).toBe(true);
});

test('a first start that was killed on its way leaves nothing that the next one minds', async () => {
  const folder = await buildFolder();
  const killed = launchOwner(join(folder, 'pg'));
  const isOnItsWay = async () => (await readdir(folder, { recursive: true })).some(name => basename(name) === 'pg_wal');
  await until(isOnItsWay);
  await killHard(killed);
  expect(await readdir(folder)).not.toContain('pg');
  expect(await query((await start(join(folder, 'pg'))).url, 'select 1 as one')).toEqual([{ one: 1 }]);
  expect(await readdir(folder)).toEqual(['pg']);
});

test('root runs it as somebody else, everybody else as themselves', async () => {
  const dataDir = await buildDataDir();
  await start(dataDir);
  const user = await ordinaryUser();
  expect((await stat(dataDir)).uid).toBe(user.uid ?? process.getuid?.());
});

test('a folder that nobody else may enter is no obstacle', async () => {
  const dataDir = await buildDataDir(0o700);
  const { url } = await start(dataDir);
  expect((await stat(dataDir)).uid).toBe(process.getuid?.());
  expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('a folder that is opened to others meanwhile is handed over with all it holds', async () => {
  const folder = await buildFolder(0o700);
  const first = await startEmbeddedPostgres({ dataDir: join(folder, 'pg') });
  await query(first.url, 'create table parts as select 1 as id');
  await first.stop();
  await chmod(folder, 0o711);
  expect(await query((await start(join(folder, 'pg'))).url, 'select id from parts')).toEqual([{ id: 1 }]);
});

test('library links and execute bits that npm left out are put back', async () => {
  let packageRoot = '';
  const project = await buildProject(async root => {
    packageRoot = root;
    await copyPackage(root);
    for (const name of ['initdb', 'postgres']) await chmod(join(root, 'native/bin', name), 0o644);
  });
  const owner = await startOwner(await buildDataDir(), { project });
  expect(owner.owned).toBe(true);
  expect((await lstat(join(packageRoot, 'native/lib/libpq.so.5'))).isSymbolicLink()).toBe(true);
});

test('an ordinary user starts it from a package that may not be written, and kill -9 leaves nothing behind', async () => {
  const runner = await ordinaryUser();
  const project = await buildProject(async root => {
    await copyPackage(root);
    await setFolderModes(root, 0o555);
    onTestFinished(() => setFolderModes(root, 0o755));
  });
  const folder = await buildFolder();
  await giveTo(runner, folder);
  const owner = await startOwner(join(folder, 'pg'), { runner, project });
  expect(await readdir(folder)).toEqual(['pg', expect.stringMatching(/^postgres-18\.\d/)]);
  const pid = await postmasterPid(join(folder, 'pg'));
  await killHard(owner.process);
  await until(() => hasEnded(pid));
  expect(await startOwner(join(folder, 'pg'), { runner, project })).toMatchObject({ owned: true });
});

test('without the package it says what to do', async () => {
  const project = await buildProject(async () => {});
  await expect(startOwner(await buildDataDir(), { project })).rejects.toThrow(/npm ci.*DATABASE_URL/);
});

test('settings that the server refuses are told, not tried for ever', async () => {
  const dataDir = await buildDataDir();
  await expect(startEmbeddedPostgres({ dataDir, settings: { max_connections: 'many' } })).rejects.toThrow(
    'max_connections',
  );
});

test('a data folder that may not be written is told at once', async () => {
  const dataDir = await buildDataDir();
  await chmod(dataDir, 0o500);
  // Else an ordinary user could not remove it.
  onTestFinished(() => chmod(dataDir, 0o700));
  await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow('Permission denied');
});
