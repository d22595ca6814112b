import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const readJson = async (name: string) => JSON.parse(await readFile(join(root, name), 'utf8'));

interface Locked {
  version: string;
  resolved?: string;
  integrity?: string;
  hasInstallScript?: boolean;
}
const packages = Object.entries((await readJson('package-lock.json')).packages as Record<string, Locked>)
  .filter(([path]) => path !== '')
  .map(([path, locked]) => ({ name: path.slice(path.lastIndexOf('node_modules/') + 13), ...locked }));

/** Below these are known holes (security.md, row 80, and the notes of the stack). */
const least: Record<string, string> = {
  'engine.io': '6.6.9',
  ws: '8.21.0',
  'socket.io-parser': '4.2.6',
  qs: '6.14.2',
  'path-to-regexp': '8.4.0',
  '@mikro-orm/core': '7.1.9',
  '@mikro-orm/postgresql': '7.1.9',
  jsonwebtoken: '9.0.3',
};

function isAtLeast(version: string, wanted: string): boolean {
  const [have, want] = [version, wanted].map(text => text.split('.').map(part => Number.parseInt(part, 10)));
  for (const [place, part] of want!.entries()) if (have![place] !== part) return (have![place] ?? 0) > part;
  return true;
}

test('S-68: every package is locked by its hash, from the registry', () => {
  expect(packages.length).toBeGreaterThan(100);
  // Without an address it is the registry's.
  const isLoose = ({ integrity, resolved = 'https://registry.npmjs.org/' }: Locked) =>
    !integrity?.startsWith('sha512-') || !resolved.startsWith('https://registry.npmjs.org/');
  const loose = packages.filter(isLoose);
  expect(loose.map(one => one.name)).toEqual([]);
});

test('S-68: no package is older than its last known hole, and direct dependencies are pinned', async () => {
  const old = packages.filter(({ name, version }) => least[name] !== undefined && !isAtLeast(version, least[name]));
  expect(old.map(({ name, version }) => `${name} ${version}`)).toEqual([]);
  for (const name of Object.keys(least)) expect([name, packages.some(one => one.name === name)]).toEqual([name, true]);
  const { dependencies, devDependencies, optionalDependencies } = await readJson('package.json');
  const ranges = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies }).filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version as string)); // biome-ignore format: one line reads better
  expect(ranges).toEqual([]);
});

test('S-68: only packages that are named may have install scripts, and none may run them', async () => {
  const { allowScripts } = (await readJson('package.json')) as { allowScripts: Record<string, boolean> };
  const scripted = packages.filter(one => one.hasInstallScript).map(one => one.name);
  expect(scripted.filter(name => !Object.hasOwn(allowScripts, name))).toEqual([]);
  expect(Object.values(allowScripts)).not.toContain(true);
});

// With `--omit dev` npm leaves out what development needs as well: half of the server.
test('S-68: CI writes a bill of materials, which names every locked package', async () => {
  expect(await readFile(join(root, '.ci/run'), 'utf8')).toMatch(/^npm run -s sbom > /m);
  const { stdout } = await run('npm', ['run', '-s', 'sbom'], { cwd: root, maxBuffer: 1 << 24 });
  const bill = JSON.parse(stdout) as { bomFormat: string; components: { purl: string }[] };
  const told = bill.components.map(({ purl }) => decodeURIComponent(purl));
  const locked = packages.map(({ name, version }) => `pkg:npm/${name}@${version}`);
  expect([bill.bomFormat, [...new Set(told)].sort()]).toEqual(['CycloneDX', [...new Set(locked)].sort()]);
});

const secrets = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /\bAKIA[0-9A-Z]{16}\b/,
  /\bgh[pousr]_[A-Za-z0-9]{36}\b/,
  /\bxox[abprs]-[A-Za-z0-9-]{20,}/,
  /\bsk_live_[A-Za-z0-9]{20,}/,
  /\beyJ[\w-]{15,}\.eyJ[\w-]{30,}\.[\w-]{30,}/,
];

test('S-68: no file that is committed holds a secret', async () => {
  const { stdout } = await run('git', ['ls-files', '-z'], { cwd: root, maxBuffer: 1 << 24 });
  const names = stdout.split('\0').filter(name => name && !name.startsWith('static/') && name !== 'package-lock.json');
  expect(names.filter(name => /(^|\/)\.env$|\.(pem|key|p12)$/.test(name))).toEqual([]);
  const found = await Promise.all(names.map(async name => {
    const text = await readFile(join(root, name), 'utf8').catch(() => ''); // deleted, not committed yet
    return secrets.some(secret => secret.test(text)) ? [name] : [];
  })); // biome-ignore format: one line reads better
  expect(found.flat()).toEqual([]);
});
