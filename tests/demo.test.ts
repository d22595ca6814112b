import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

test.each([[['--help']], [['--url']], [['--url', 'nonsense']], [['more']]])(
  'the demo refuses %j, and says what it takes',
  options => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/demo.ts', ...options], {
      encoding: 'utf8',
    });
    expect([status, stdout, stderr]).toEqual([
      2,
      '',
      expect.stringMatching(/^[^\n]+\nusage: npm run demo \[-- --url URL\]\n$/),
    ]);
  },
);
