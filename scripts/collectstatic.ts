// `npm run collectstatic`: copies the assets of pages out of their packages into static/, for a server or CDN in front of
// the instances. Without it they are served from the packages. `--json` tells the number of files on stdout.
import { cp, readdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { assetFolders } from './collectstatic/assets.ts';

const root = new URL('../static/', import.meta.url).pathname;
const { resolve } = createRequire(import.meta.url);

let files = 0;
for (const { packageName, folder, into } of assetFolders) {
  const from = join(dirname(resolve(`${packageName}/package.json`)), folder);
  const to = join(root, into);
  await rm(to, { recursive: true, force: true });
  // Sources are for those who develop the package, not for the public (security.md, row 64).
  await cp(from, to, { recursive: true, filter: path => !path.endsWith('.map') });
  files += (await readdir(to, { recursive: true, withFileTypes: true })).filter(entry => entry.isFile()).length;
}
process.stdout.write(process.argv.includes('--json') ? `${JSON.stringify({ ok: true, files })}\n` : `${files} files copied to static/\n`); // biome-ignore format: one line reads better
