// `npm run bench -- <name> [options]`: runs bench/<name>.ts. Every figure is a ratio of things measured side by side.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const [name = '', ...options] = process.argv.slice(2);
const file = join(import.meta.dirname, `${name}.ts`);
if (!/^[a-z-]+$/.test(name) || name === 'run' || !existsSync(file)) {
  const names = readdirSync(import.meta.dirname).flatMap(entry => /^(?!run\.)([a-z-]+)\.ts$/.exec(entry)?.[1] ?? []);
  process.stderr.write(`Usage: npm run bench -- ${names.join(' | ')}\n`);
  process.exit(2);
}
const { run } = (await import(file)) as { run: (options: string[]) => Promise<void> };
await run(options);
