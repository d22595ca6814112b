import { Parser } from '@asyncapi/parser';
import { expect, test } from 'vitest';
import { buildAsyncApi } from '../src/common/asyncapi.ts';
import { contracts } from '../src/contracts.ts';

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
