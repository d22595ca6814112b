import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { moveSubscriptions } from '../../src/billing/service/moves.ts';
import { seedPlans } from '../../src/billing/service/plans.ts';
import { DAY, logIn, newPhone, requestCode, verify, wrongCode } from '../support/accounts.ts';
import { ask, newClientId, useApp } from '../support/app.ts';
import { buildTalk, done, message } from '../support/talk.ts';
import { act, asStaff, buildDealer, postInput } from '../support/worlds.ts';

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

test('codes are counted by purpose and result, by driver, and by what came of them; nothing tells whose they were', async () => {
  const { phone, body: login } = await logIn(app);
  expect((await requestCode(app, phone)).body.code).toBe('otp_cooldown');
  const reset = newPhone();
  const { body: sent } = await requestCode(app, reset, { purpose: 'reset_password' });
  await verify(app, reset, wrongCode(sent.dev_code));
  await verify(app, reset, sent.dev_code);
  const { body } = await app.get(null, '/metrics');
  for (const line of [
    'parthub_codes_requested_total{purpose="login",result="sent"} 1',
    'parthub_codes_requested_total{purpose="login",result="otp_cooldown"} 1',
    'parthub_codes_requested_total{purpose="reset_password",result="sent"} 1',
    'parthub_codes_taken_total{driver="dev"} 2',
    'parthub_codes_tried_total{purpose="login",result="verified"} 1',
    'parthub_codes_tried_total{purpose="reset_password",result="wrong"} 1',
    'parthub_codes_tried_total{purpose="reset_password",result="verified"} 1',
  ])
    expect(body).toContain(`${line}\n`);
  for (const personal of [phone.slice(4), reset.slice(4), login.user.id, login.session_id])
    expect(body).not.toContain(personal);
});

test('subscriptions are counted by their change of state once it is committed, and refusals of limits by their code', async () => {
  const [dealer, staff] = [await buildDealer(app, { plan: null }), await app.buildUser({ role: 'billing' })];
  await asStaff(app, seedPlans);
  const ask = (plan: string) => app.post(dealer, '/api/billing/subscriptions/', { plan }, { 'idempotency-key': newClientId() }); // biome-ignore format: one line reads better
  const { body } = await ask('basic');
  expect((await ask('basic')).body.code).toBe('already_subscribed');
  expect(await act(app, staff, 'subscriptions/activate', body.subscription.id)).toMatchObject({ ok: true });
  await app.orm.em.fork().execute(`update plans set entitlements = entitlements || '{"posts_per_month": 0}'`);
  expect((await app.post(dealer, '/api/b2b/posts/', postInput())).body.code).toBe('post_limit_reached');
  await asStaff(app, moveSubscriptions, new Date(Date.now() + 400 * DAY));
  const { body: told } = await app.get(null, '/metrics');
  const active = /from="pending",to="(trialing|active)"/.exec(told)?.[1];
  for (const line of [
    'parthub_subscriptions_moved_total{from="none",to="pending"} 1',
    `parthub_subscriptions_moved_total{from="pending",to="${active}"} 1`,
    `parthub_subscriptions_moved_total{from="${active}",to="expired"} 1`,
    'parthub_operations_total{operation="POST /api/b2b/posts/",result="post_limit_reached"} 1',
  ])
    expect(told).toContain(`${line}\n`);
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
});

test('the dashboard asks for metrics that there are', async () => {
  const dashboard = await readFile(new URL('../../deploy/grafana.json', import.meta.url), 'utf8');
  const { body } = await app.get(null, '/metrics');
  const asked = new Set([...dashboard.matchAll(/parthub_[a-z0-9_]+/g)].map(([name]) => name.replace(/_bucket$/, '')));
  expect(asked.size).toBeGreaterThan(12);
  for (const name of asked) expect(body).toContain(`# TYPE ${name} `);
});
