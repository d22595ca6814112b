import { expect, onTestFinished, test } from 'vitest';
import { type Collector, startCollector, type TakenSpan } from '../fakes/collector.ts';
import { logIn, newPhone } from '../support/accounts.ts';
import { ask, eventually, startApp, type TestApp } from '../support/app.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startServerProcess } from '../support/server-process.ts';
import { buildTalk, done, message } from '../support/talk.ts';

const SERVER = 2;
const ERROR = 2;

async function startTraced(env: Record<string, string> = {}): Promise<{ app: TestApp; collector: Collector }> {
  const [collector, database] = await Promise.all([startCollector(), createTestDatabase()]);
  const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`, TEST_TIME_SCALE: '100', ...env };
  const app = await startApp(database.url, traced);
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= app.close());
  onTestFinished(async () => {
    await close();
    await database.drop();
  });
  return { app: { ...app, close }, collector };
}

/** A span of this name, once it has arrived. */
function found({ spans }: Collector, name: string, passes = (_: TakenSpan) => true): Promise<TakenSpan> {
  return eventually(() => {
    const span = spans.find(one => one.name === name && passes(one));
    if (!span) throw new Error(`no ${name} among ${spans.map(one => one.name).join(', ')}`);
    return span;
  });
}

const below =
  ({ traceId, spanId }: TakenSpan) =>
  (span: TakenSpan) =>
    span.traceId === traceId && span.parentSpanId === spanId;

test('a request is traced from its route over its operation to its statements, under the id that its answer has', async () => {
  const { app, collector } = await startTraced({ OTEL_SERVICE_NAME: 'parts', OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Bearer%20of-this-test' }); // biome-ignore format: one line reads better
  const { buyer, thread } = await buildTalk(app);
  const { headers } = await app.get(buyer, `/api/chat/threads/${thread.id}/messages/?before_seq=9`);
  const request = await found(collector, 'GET /api/chat/threads/:thread_id/messages/');
  expect(request).toMatchObject({ kind: SERVER, attributes: { 'http.response.status_code': 200 } });
  expect(request.attributes['parthub.request_id']).toBe(headers.get('x-request-id'));
  const operation = await found(collector, 'GET /api/chat/threads/{thread_id}/messages/', below(request));
  expect(operation.attributes['parthub.result']).toBe('ok');
  const statement = await found(collector, 'SELECT messages', below(operation));
  expect(statement.attributes).toMatchObject({ 'db.system.name': 'postgresql', 'db.operation.name': 'SELECT' });
  expect([...collector.services]).toEqual(['parts']);
  expect([...collector.authorizations]).toEqual(['Bearer of-this-test']);
});

test('an event is traced from its socket to the batch that stores it, and a batch is linked with all its callers', async () => {
  const { app, collector } = await startTraced();
  const { buyer, seller, thread } = await buildTalk(app);
  const [one, other] = [await app.connect(buyer, '/chat'), await app.connect(seller, '/chat')];
  await Promise.all(Array.from({ length: 10 }, () => [one, other]).flat().map(socket => done(socket, 'message:send', message(thread)))); // biome-ignore format: one line reads better
  const batch = await found(collector, 'message:send batch', ({ attributes }) => Number(attributes['parthub.batch.size']) > 1); // biome-ignore format: one line reads better
  expect(batch.links).toHaveLength(Number(batch.attributes['parthub.batch.size']) - 1);
  const isOf = ({ traceId, spanId }: TakenSpan) => batch.traceId === traceId && batch.parentSpanId === spanId;
  expect(await found(collector, 'message:send', isOf)).toMatchObject({ kind: SERVER, attributes: { 'parthub.result': 'stored' } }); // biome-ignore format: one line reads better
  await found(collector, 'message:send', ({ spanId }) => batch.links!.some(link => link.spanId === spanId));
  await eventually(() => expect(collector.spans.filter(below(batch)).map(span => span.name).join()).toMatch(/messages/)); // biome-ignore format: one line reads better
});

test('a refusal is no error of the server, and a statement that fails is told by its code alone', async () => {
  const { app, collector } = await startTraced();
  const { outsider, thread } = await buildTalk(app);
  const socket = await app.connect(outsider, '/chat');
  await ask(socket, 'thread:get', { thread_id: thread.id });
  expect(await found(collector, 'thread:get')).toMatchObject({ status: { code: 0 }, attributes: { 'parthub.result': 'not_found' } }); // biome-ignore format: one line reads better
  await app.orm.em.fork().execute('alter table messages rename to gone');
  await app.get(outsider, '/healthz');
  await ask(socket, 'message:search', { q: 'lamp' });
  expect(await found(collector, 'message:search')).toMatchObject({ status: { code: ERROR }, attributes: { 'error.type': 'internal' } }); // biome-ignore format: one line reads better
  await eventually(() => expect(collector.spans.map(span => span.attributes['error.type'])).toContain('42P01'));
  expect(collector.spans.filter(span => span.name.includes('healthz'))).toEqual([]);
});

test('S-60: no code, token, password, number, address or text is in a trace', async () => {
  const { app, collector } = await startTraced();
  const { buyer, seller, thread } = await buildTalk(app);
  const phone = newPhone();
  const { body } = await logIn(app, phone);
  const password = 'correct horse battery';
  const authorization = `Bearer ${body.access}`;
  await app.post(null, '/api/auth/set-password/', { password }, { authorization });
  await app.post(null, '/api/auth/login/', { phone, password: `${password}!` });
  await app.post(null, '/api/auth/token/refresh/', { refresh: body.refresh });
  await app.get(buyer, '/api/b2b/posts/?q=secretlamp');
  await app.get(buyer, `/api/b2b/posts/${thread.postId}/?q=secretlamp`);
  const socket = await app.connect(seller, '/chat');
  const sent = await done(socket, 'message:send', message(thread, { text: 'From "users": secretlamp at $1450' }));
  await done(socket, 'message:search', { q: 'secretlamp' });
  await found(collector, 'message:search');
  const whole = collector.bodies.join('\n');
  expect(whole).toContain('POST /api/auth/login/');
  const session = [body.session_id, body.access, body.refresh, body.device_token, password, buyer.token];
  const written = ['secretlamp', '$1450', phone.slice(1), phone.slice(4), buyer.phone.slice(1), '127.0.0.1'];
  const ids = [buyer.id, seller.id, thread.id, thread.postId, sent.message.id];
  for (const secret of [...session, ...written, ...ids]) expect(whole).not.toContain(secret);
});

test('a collector that is away or refuses is waited for by no call and by no shutdown', async () => {
  const { app, collector } = await startTraced();
  await collector.stop();
  const { buyer, thread } = await buildTalk(app);
  const startedAt = performance.now();
  expect((await app.get(buyer, `/api/chat/threads/${thread.id}/`)).status).toBe(200);
  await app.close();
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});

test('of the calls only the share that is asked for is traced', async () => {
  const { app, collector } = await startTraced({ OTEL_TRACES_SAMPLER_ARG: '0' });
  const { buyer, thread } = await buildTalk(app);
  await app.get(buyer, `/api/chat/threads/${thread.id}/`);
  await app.close();
  expect(collector.bodies).toEqual([]);
});

test('while no collector is named the SDK of OpenTelemetry is not even loaded', async () => {
  const telling =
    'import { registerHooks } from "node:module"; registerHooks({ resolve(name, ctx, next) { ' +
    'if (/^@opentelemetry.(sdk|exporter)/.test(name)) console.log("loads", name); return next(name, ctx); } });';
  const database = await createTestDatabase();
  const preload = `--import=data:text/javascript,${encodeURIComponent(telling)}`;
  const env = { DATABASE_URL: database.url, NODE_OPTIONS: preload };
  const silent = await startServerProcess(env);
  const traced = await startServerProcess({ ...env, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' });
  onTestFinished(async () => {
    await Promise.all([silent.kill(), traced.kill()]);
    await database.drop();
  });
  expect(await traced.logged(/listens/)).toContain('loads @opentelemetry/sdk-trace');
  expect(await silent.logged(/listens/)).not.toContain('@opentelemetry');
});
