import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

test.each([
  ['bench/run.ts', ['chat', '--nonsense'], 'bench'],
  ['load/run.ts', ['--nonsense'], 'load'],
  ['faults/run.ts', ['--nonsense'], 'faults'],
  ['conformance/run.ts', ['--nonsense'], 'conformance'],
])('%s refuses an option that there is not by its usage', async (file, args, command) => {
  const flags = ['--import', join(root, 'src/require-node.mjs')];
  const child = spawn(process.execPath, [...flags, join(root, file), ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  expect(said).toMatch(new RegExp(`^Unknown option '--nonsense'[^\\n]*\\nusage: npm run ${command} `));
  expect(said).not.toContain('    at ');
  expect(code).toBe(2);
});
