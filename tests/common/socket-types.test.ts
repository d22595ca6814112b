import { expectTypeOf, test } from 'vitest';
import type { Message } from '../../src/chat/contract/shapes.ts';
import type * as chat from '../../src/chat/contract.ts';
import type { Ack, ClientToServer, ServerToClient } from '../../src/common/socket-types.ts';

type Emit = ClientToServer<typeof chat>;
type Hear = ServerToClient<typeof chat>;

test('a client may emit what the contract declares and renew its token, and each ack is typed', () => {
  expectTypeOf<Parameters<Emit['message:send']>[0]>().toExtend<{
    thread_id: string;
    client_id: string;
    text?: string | undefined;
  }>();
  expectTypeOf<NonNullable<Parameters<Emit['message:send']>[1]>>()
    .parameter(0)
    .toEqualTypeOf<Ack<{ message: Message; duplicate: boolean }>>();
  expectTypeOf<NonNullable<Parameters<Emit['auth:renew']>[1]>>()
    .parameter(0)
    .toEqualTypeOf<Ack<{ token_expires_at: string }>>();
  expectTypeOf<Emit>().not.toHaveProperty('message:forge');
});

test('defaults may be left out by a client', () => {
  expectTypeOf<{ thread_id: string }>().toExtend<Parameters<Emit['thread:history']>[0]>();
});

test('a client hears what the contract declares, and the events of every namespace', () => {
  expectTypeOf<Parameters<Hear['message:created']>[0]>().toExtend<{
    thread_id: string;
    rev: number;
    at: string;
    message: Message;
  }>();
  expectTypeOf<Parameters<Hear['session:ready']>[0]>().toExtend<{ user_id: string; protocol: number }>();
  expectTypeOf<Hear>().not.toHaveProperty('message:forged');
});
