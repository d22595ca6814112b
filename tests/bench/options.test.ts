import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { OptionError, readSettings } from '../../bench/support/options.ts';

const root = join(import.meta.dirname, '../..');

test.each([
  ['bench', ['chat', '--nonsense'], "Unknown option '--nonsense'"],
  ['bench', ['--nonsense'], '--nonsense is no option of all'],
  ['bench', ['--json'], '--json needs a value'],
  ['bench', ['--json', '--markdown'], '--json needs a value'],
  ['bench', ['chat', '--json', '/nowhere/figures.json'], '--json: ENOENT'],
  ['bench', ['auth', '--nonsense'], "Unknown option '--nonsense'"],
  ['bench', ['chat', '--only', 'parthub,nothing'], '--only nothing is none'],
  ['bench', ['feed', '--posts', '100'], '--posts is 5100 or more'],
  ['bench', ['scale', '--connections', '1e12'], '1000000000000 connections are more'],
  ['bench', ['chat', '--loads', '9'], '--loads 9 is none'],
  ['bench', ['fanout', '--rate', 'fast'], '--rate is a number'],
  ['load', ['--nonsense'], "Unknown option '--nonsense'"],
  ['faults', ['--nonsense'], "Unknown option '--nonsense'"],
  ['conformance', ['--nonsense'], "Unknown option '--nonsense'"],
])('%s %j is refused by the usage', async (command, args, reason) => {
  const flags = ['--import', join(root, 'src/require-node.mjs'), join(root, command, 'run.ts')];
  const child = spawn(process.execPath, [...flags, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  expect(said.startsWith(reason)).toBe(true);
  expect(said).toMatch(new RegExp(`^[^\\n]*\\nusage: npm run ${command} `));
  expect(said).not.toContain('    at ');
  expect(code).toBe(2);
});

test('settings have presets, and a number where the preset is one', () => {
  const presets = { rounds: 3, seconds: 2, only: '' };
  expect(readSettings(['--rounds', '5', '--only', '7'], presets)).toEqual({ rounds: 5, seconds: 2, only: '7' });
  for (const wrong of ['many', '', '-1', 'Infinity'])
    expect(() => readSettings([`--rounds=${wrong}`], presets)).toThrow(
      new OptionError('--rounds is a number, 0 or more'),
    );
  expect(() => readSettings(['--round', '5'], presets)).toThrow(OptionError);
});
