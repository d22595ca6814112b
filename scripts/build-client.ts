// Builds dist/client, the package that `npm publish ./dist/client` publishes: nothing of the server is in it.
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

const out = 'dist/client';
const { version, license } = JSON.parse(readFileSync('package.json', 'utf8'));

rmSync(out, { recursive: true, force: true });
execFileSync('tsc', ['-p', 'tsconfig.client.json'], { stdio: 'inherit' });
const manifest = {
  ...{ name: 'parthub', version, license, type: 'module', sideEffects: false },
  description: 'Client of Parthub: typed calls, live state, nothing lost',
  // The command line of React Native reads the manifest of every dependency, by its name.
  exports: { './client': { types: './index.d.ts', default: './index.js' }, './package.json': './package.json' },
  peerDependencies: { 'socket.io-client': '^4.8.0' },
};
writeFileSync(`${out}/package.json`, `${JSON.stringify(manifest, null, 2)}\n`);
copyFileSync('docs/clients.md', `${out}/README.md`);
// What the page links to.
for (const name of ['openapi.json', 'asyncapi.json', 'errors.md', 'client-vectors.json'])
  copyFileSync(`docs/${name}`, `${out}/${name}`);
copyFileSync('LICENSE', `${out}/LICENSE`);
