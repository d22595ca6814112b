import { cp, readdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

interface AssetFolder {
  packageName: string;
  /** Inside the package. */
  folder: string;
  /** Inside `static/`. */
  into: string;
}

/** Every folder of a package that a page of ours is made of; the pages themselves name the same ones. */
const assetFolders: readonly AssetFolder[] = [{ packageName: 'swagger-ui-dist', folder: '.', into: 'docs' }];

const root = new URL('../../static/', import.meta.url).pathname;
const { resolve } = createRequire(import.meta.url);

/**
 * Copies the assets of pages out of their packages into static/, for a server or CDN in front of the instances. Without it they
 * are served from the packages. Returns how many files there are.
 */
export async function collectStatic(): Promise<number> {
  let files = 0;
  for (const { packageName, folder, into } of assetFolders) {
    const from = join(dirname(resolve(`${packageName}/package.json`)), folder);
    const to = join(root, into);
    await rm(to, { recursive: true, force: true });
    // Sources are for those who develop the package, not for the public (security.md, row 64).
    await cp(from, to, { recursive: true, filter: path => !path.endsWith('.map') });
    files += (await readdir(to, { recursive: true, withFileTypes: true })).filter(entry => entry.isFile()).length;
  }
  return files;
}
