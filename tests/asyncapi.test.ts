import { Parser } from '@asyncapi/parser';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { expect, test } from 'vitest';
import { buildAsyncApi } from '../src/common/asyncapi.ts';
import { contracts } from '../src/contracts.ts';

// biome-ignore lint/suspicious/noExplicitAny: any JSON
type Json = any;

test('AsyncAPI is valid by its own parser', async () => {
  const found = await new Parser().validate(JSON.stringify(buildAsyncApi(contracts, '0.0.0')));
  // 0: an error; the rest are recommendations
  expect(found.filter(({ severity }) => severity === 0)).toEqual([]);
}, 60_000);

test('every namespace tells how auth:renew is answered, and why it is refused', () => {
  const { channels, operations } = JSON.parse(JSON.stringify(buildAsyncApi(contracts, '0.0.0')));
  for (const namespace of ['chat', 'presence', 'notifications']) {
    const { reply, 'x-errors': errors } = operations[`${namespace}_auth_renew`];
    const { payload } = channels[namespace].messages.auth_renew_ack;
    expect(reply.messages).toEqual([{ $ref: `#/channels/${namespace}/messages/auth_renew_ack` }]);
    expect(payload.anyOf[0].properties.data.required).toEqual(['token_expires_at']);
    expect(errors).toContain('identity_mismatch');
  }
  const { description } = operations.chat_message_send;
  expect(description).toContain('Limits: 5 in a second per user, 20 at once; 120 in a minute per user.');
});

test('what AsyncAPI shows as an example is valid by the JSON Schema that it prescribes', () => {
  const document = buildAsyncApi(contracts, '0.0.0') as Json;
  const ajv = new Ajv({ strict: false });
  addFormats.default(ajv);
  ajv.addSchema(document, 'asyncapi');
  const messages = Object.entries<Json>(document.channels).flatMap(([channel, { messages }]) =>
    Object.entries<Json>(messages).map(([key, { examples = [] }]) => ({ path: `channels/${channel}/messages/${key}`, examples })),
  ); // biome-ignore format: one line reads better
  const wrong = messages.flatMap(({ path, examples }) => {
    const isValid = ajv.getSchema(`asyncapi#/${path}/payload`)!;
    return examples.filter((one: Json) => !isValid(one.payload)).map(() => path);
  });
  expect(messages.length).toBeGreaterThan(50);
  expect(wrong).toEqual([]);
});
