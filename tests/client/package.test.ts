import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { useApp } from '../support/app.ts';

const app = useApp();
const root = join(import.meta.dirname, '../..');
const project = mkdtempSync(join(tmpdir(), 'parthub-client-'));
const PATH = `${join(root, 'node_modules/.bin')}:${process.env['PATH']}`;
const start = promisify(execFile);
const run = async (command: string, args: string[], cwd = project): Promise<string> =>
  (await start(command, args, { cwd, env: { ...process.env, PATH }, timeout: 15_000 })).stdout;

/** A fresh project: the packed package and Socket.IO's client, nothing else. */
beforeAll(async () => {
  await run('node', ['scripts/build-client.ts'], root);
  const packed = await run('npm', ['pack', '--silent', '--pack-destination', project, './dist/client'], root);
  mkdirSync(join(project, 'node_modules/parthub'), { recursive: true });
  await run('tar', ['xzf', packed.trim(), '--strip-components=1', '-C', 'node_modules/parthub']);
  const ofSocketIo = ['socket.io-client', 'engine.io-client', 'socket.io-parser', 'engine.io-parser', '@socket.io', 'debug', 'ms', 'ws', 'xmlhttprequest-ssl']; // biome-ignore format: a list
  for (const name of ofSocketIo)
    cpSync(join(root, 'node_modules', name), join(project, 'node_modules', name), { recursive: true });
  writeFileSync(join(project, 'package.json'), '{"type": "module"}');
});
afterAll(() => rmSync(project, { recursive: true }));

const program = (url: string, phone: string) => `
import { createClient } from 'parthub/client';
const client = createClient({ url: '${url}' });
const { dev_code } = await client.requestCode('${phone}');
const user = await client.signIn({ phone: '${phone}', code: dev_code ?? '' });
const plans: { code: string }[] = (await client.rest.listPlans()).results;
client.threads.subscribe(() => {});
while (client.connection.getSnapshot().state !== 'online') await new Promise<void>(done => client.connection.subscribe(done));
console.log(JSON.stringify({ phone: user.phone, threads: client.threads.getSnapshot().length, plans: plans.length }));
client.disconnect();
`;

test('a fresh project with the packed package type-checks in strict mode and talks to the server', async () => {
  const phone = '+998901230001';
  writeFileSync(join(project, 'main.ts'), program(app.url, phone));
  const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--skipLibCheck', 'false'];
  const target = [
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--lib',
    'es2022,dom',
    '--types',
    '',
    '--outDir',
    'out',
  ];
  await run('tsc', [...strict, ...target, 'main.ts']);
  expect(JSON.parse(await run('node', ['out/main.js']))).toEqual({ phone, threads: 0, plans: 0 });
});

const reactNative = `
declare module 'react-native' {
  export const AppState: { addEventListener(type: 'change', listener: (state: 'active' | 'background' | 'inactive') => void): { remove(): void } };
}
declare module 'react-native-mmkv' {
  export function createMMKV(): {
    getAllKeys(): string[];
    getString(key: string): string | undefined;
    set(key: string, value: boolean | string | number | ArrayBuffer): void;
    remove(key: string): boolean;
  };
}
declare module 'expo-secure-store' {
  export function getItemAsync(key: string): Promise<string | null>;
  export function setItemAsync(key: string, value: string): Promise<void>;
}`;

test('the snippets of docs/clients.md for TypeScript, React and React Native type-check in strict mode', async () => {
  const folder = join(project, 'snippets');
  mkdirSync(folder);
  for (const name of ['@types/react', 'csstype'])
    cpSync(join(root, 'node_modules', name), join(project, 'node_modules', name), { recursive: true });
  const guide = readFileSync(join(root, 'docs/clients.md'), 'utf8');
  const [main, component, native, ...more] = [...guide.matchAll(/^```tsx?\n(.*?)^```/gms)].map(match => match[1]!);
  expect([main, component, native, more]).toEqual([
    expect.stringContaining('createClient'),
    expect.stringContaining('useSyncExternalStore'),
    expect.stringContaining('react-native'),
    [],
  ]);
  const files = {
    'client.ts': main!,
    'Conversation.tsx': component!,
    'native.ts': native!,
    'modules.d.ts': reactNative,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const strict = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noEmit: true };
  const bundled = { module: 'esnext', moduleResolution: 'bundler', allowImportingTsExtensions: true, jsx: 'react-jsx' };
  const target = { target: 'es2022', lib: ['es2022', 'dom'], types: [], skipLibCheck: true };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...strict, ...bundled, ...target } }),
  );
  await run('tsc', ['-p', folder]).catch(({ stdout }) => expect(stdout).toBe(''));
});

test('whatever the page in the package links to is in the package, or elsewhere in the web', () => {
  const folder = join(project, 'node_modules/parthub');
  const page = readFileSync(join(folder, 'README.md'), 'utf8');
  const links = [...page.matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(match => match[1]!);
  const files = links.filter(link => !/^https:/.test(link));
  expect(files).toContain('client-vectors.json');
  expect(files.filter(name => !existsSync(join(folder, name)))).toEqual([]);
});

test('tools that look at its manifest find it', () => {
  const manifest = createRequire(join(project, 'main.js')).resolve('parthub/package.json');
  expect(JSON.parse(readFileSync(manifest, 'utf8'))).toMatchObject({ name: 'parthub', license: 'MIT' });
});

test('a wrong call does not type-check', async () => {
  writeFileSync(
    join(project, 'wrong.ts'),
    `import { createClient } from 'parthub/client'; createClient({ url: '' }).rest.getThread({ thread: 'x' });`,
  );
  const checked = run('tsc', ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--types', '', 'wrong.ts']); // biome-ignore format: one line reads better
  await expect(checked).rejects.toMatchObject({ stdout: expect.stringContaining('thread_id') });
});

async function bundle(source: string): Promise<string> {
  writeFileSync(join(project, 'entry.js'), source);
  const built = await rolldown({
    input: join(project, 'entry.js'),
    external: ['socket.io-client'],
    platform: 'browser',
  });
  const { output } = await built.generate({ format: 'esm', minify: true });
  return output[0].code;
}

test('the whole client is below 20 KB, and what is not imported is not in a bundle', async () => {
  const whole = await bundle(`export * from 'parthub/client';`);
  expect(gzipSync(whole).length).toBeLessThan(20_000);
  expect(whole).not.toMatch(/zod|mikro-orm|node:/);
  const calls = await bundle(`import { createRest } from 'parthub/client'; createRest({ url: '', session: null });`);
  expect(calls).not.toContain('socket.io-client');
  expect(calls.length).toBeLessThan(whole.length / 2);
});
