// Keeps the module order of ARCHITECTURE.md: a module imports only from its left, and there only contract, entities
// and service. Exits 1 and names every import that breaks it.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const order = ['common', 'accounts', 'billing', 'uploads', 'b2b', 'chat', 'presence', 'notifications', 'admin'];
const publicRooms = /^(contract|entities|service)(\.ts|\/)/;
/** What every module may import besides, wherever it stands. */
const everywhere = new Set(['config.ts']);

function problemOf(file: string, target: string): string | null {
  const [module, ...room] = target.split('/') as [string, ...string[]];
  const own = file.split('/')[0]!;
  // The command line is a composition root, as app.ts is.
  if (own === module || own === 'cli' || everywhere.has(target)) return null;
  if (own === 'client') return 'the client stands alone; what it knows of contracts is made by npm run docs';
  if (!order.includes(module)) return 'is no module; only src/*.ts at the top may use it';
  if (order.indexOf(module) > order.indexOf(own)) return `stands to the right of ${own}`;
  if (module !== 'common' && !publicRooms.test(room.join('/')))
    return 'only contract, entities and service are open to others';
  return null;
}

const problems: string[] = [];
for (const entry of readdirSync('src', { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name);
  const file = relative('src', path);
  if (!entry.isFile() || !file.endsWith('.ts') || !file.includes('/') || file.startsWith('migrations/')) continue;
  for (const [, imported] of readFileSync(path, 'utf8').matchAll(/from '(\.[^']+)'/g)) {
    const target = relative('src', join(dirname(path), imported!));
    const problem = problemOf(file, target);
    if (problem) problems.push(`${file} imports ${target}: ${problem}`);
  }
}
if (problems.length > 0) {
  process.stderr.write(`${problems.join('\n')}\n`);
  process.exit(1);
}
