import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { eventually } from './support/eventually.ts';

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

test('the demo takes the address of a server with a slash at its end', async () => {
  const asked: (string | undefined)[] = [];
  const server = createServer((req, res) => {
    asked.push(req.url);
    res.writeHead(503).end('{}');
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await once(spawn(process.execPath, ['scripts/demo.ts', '--url', `http://127.0.0.1:${port}/`]), 'close');
  expect(asked).toEqual(['/api/auth/request-otp/']);
});

test('the demo that is ended by a signal leaves no server and no folder behind', async () => {
  const temporary = mkdtempSync(join(tmpdir(), 'parthub-ended-'));
  onTestFinished(() => rmSync(temporary, { recursive: true, force: true }));
  const child = spawn(process.execPath, ['scripts/demo.ts'], { env: { ...process.env, TMPDIR: temporary } });
  let told = '';
  child.stdout.on('data', chunk => {
    told += chunk;
  });
  // the outputs of its servers are its own: they are closed once all have ended
  const closed = once(child, 'close');
  await eventually(() => expect(told).toMatch(/http:\/\/127/), 40_000);
  child.kill('SIGINT');
  expect((await closed)[0]).not.toBe(0);
  expect(readdirSync(temporary)).toEqual([]);
}, 60_000);
