import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { ask, useApp } from '../support/app.ts';
import { buildTalk, done, message } from '../support/talk.ts';

const TOKEN = 'a token of this test';
const app = useApp();
const closed = useApp({ DEBUG: '0', NOTIFIER: 'dev' });
const guarded = useApp({ DEBUG: '0', NOTIFIER: 'dev', METRICS_TOKEN: TOKEN });

test('what happens is counted: sends and their repeats, pulls by cause, batches, acks, handshakes, connections', async () => {
  const { buyer, thread } = await buildTalk(app);
  const socket = await app.connect(buyer, '/chat');
  const one = message(thread);
  for (const payload of [one, one, message(thread)]) await done(socket, 'message:send', payload);
  await done(socket, 'sync:pull', {});
  await done(socket, 'sync:pull', { threads: [{ thread_id: thread.id, rev: 1 }], only: true });
  await ask(socket, 'message:send', { ...one, text: 'other' });
  const { status, headers, body } = await app.get(null, '/metrics');
  expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  for (const line of [
    'parthub_operations_total{operation="message:send",result="stored"} 2',
    'parthub_operations_total{operation="message:send",result="duplicate"} 1',
    'parthub_operations_total{operation="message:send",result="idempotency_conflict"} 1',
    'parthub_operations_total{operation="sync:pull",result="first"} 1',
    'parthub_operations_total{operation="sync:pull",result="repair"} 1',
    'parthub_batch_size_count{operation="message:send"} 4',
    'parthub_batch_seconds_count{operation="message:send"} 4',
    'parthub_ack_seconds_count{event="message:send"} 4',
    'parthub_handshakes_total{result="ok"} 1',
    'parthub_connections{of="connection"} 1',
    'parthub_connections{of="/chat"} 1',
    'parthub_database_connections{state="waiting"} 0',
    'parthub_degraded{what="redis"} 0',
  ])
    expect(body).toContain(`${line}\n`);
  expect(body).toMatch(/parthub_push_seconds_count [1-9]/);
  expect(body).toContain('parthub_nodejs_eventloop_lag_p99_seconds');
  const names = [...body.matchAll(/^([a-z_]+)[{ ]/gm)].map(match => match[1]);
  expect(names.filter(name => !name!.startsWith('parthub_'))).toEqual([]);
  expect(body).not.toContain(buyer.id);
});

test('S-64: with DEBUG=0 /metrics is not found without the token, and what a server often forgets is neither', async () => {
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  for (const [server, headers, expected] of [
    [closed, {}, 404],
    [closed, bearer(TOKEN), 404],
    [guarded, {}, 404],
    [guarded, bearer(`${TOKEN}!`), 404],
    [guarded, bearer(TOKEN), 200],
  ] as const)
    expect((await server.get(null, '/metrics', headers)).status).toBe(expected);
  const hidden = await guarded.get(null, '/metrics');
  const nothing = await guarded.get(null, '/nothing');
  expect(Object.keys(hidden.body).sort()).toEqual(Object.keys(nothing.body).sort());
  expect(hidden.body).toMatchObject({ code: 'not_found', detail: nothing.body.detail });
  for (const path of [
    '/.env',
    '/.git/config',
    '/package.json',
    '/src/main.ts',
    '/main.js.map',
    '/api/docs/',
    '/server-status',
  ])
    expect([path, (await closed.get(null, path)).status]).toEqual([path, 404]);
  const trace = await fetch(`${closed.url}/healthz`, { method: 'OPTIONS' });
  expect(trace.headers.get('allow')).not.toBe('TRACE');
});

test('the dashboard asks for metrics that there are', async () => {
  const dashboard = await readFile(new URL('../../deploy/grafana.json', import.meta.url), 'utf8');
  const { body } = await app.get(null, '/metrics');
  const asked = new Set([...dashboard.matchAll(/parthub_[a-z0-9_]+/g)].map(([name]) => name.replace(/_bucket$/, '')));
  expect(asked.size).toBeGreaterThan(12);
  for (const name of asked) expect(body).toContain(`# TYPE ${name} `);
});
