import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { glob, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { endWithUs } from '../support/children.ts';
import { eventually } from '../support/eventually.ts';

const root = join(import.meta.dirname, '../..');

test.each([
  ['bench', ['auth']],
  ['bench', ['--quick']],
  ['conformance', []],
  ['faults', ['--only', 'kill-one']],
])('%s %j leaves nothing behind when it is interrupted', async (command, options) => {
  const folder = await mkdtemp(join(tmpdir(), 'parthub-interrupted-'));
  const temporary = join(folder, 'temporary');
  await mkdir(temporary, { mode: 0o755 });
  const flags = ['--import', join(root, 'src/require-node.mjs'), join(root, command, 'run.ts')];
  const env = { ...process.env, TMPDIR: temporary };
  const child = spawn(process.execPath, [...flags, ...options], { cwd: folder, env, stdio: 'ignore' });
  endWithUs(child);
  const ended = once(child, 'exit');
  await eventually(
    async () => expect(await Array.fromAsync(glob('*/pg/postmaster.pid', { cwd: temporary }))).toHaveLength(1),
    60_000,
  );
  child.kill('SIGTERM');
  expect(await ended).toEqual([143, null]);
  expect(await readdir(temporary)).toEqual([]);
  await rm(folder, { recursive: true });
});
