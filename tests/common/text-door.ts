import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { batch, command, event, query } from '../../src/common/operations.ts';
import { type Doors, useDoors } from '../support/doors.ts';

const Text = z.object({ text: z.string() });
const contract = {
  namespace: '/chat' as const,
  operations: {
    echo: query({ summary: 'Says it again.', socket: 'text:echo', input: Text, output: Text }),
    wait: query({
      summary: 'Says it later.',
      socket: 'text:wait',
      input: z.object({ text: z.string(), ms: z.int() }),
      output: Text,
    }),
    fail: command({
      summary: 'Fails.',
      socket: 'text:fail',
      input: z.object({ how: z.enum(['sync', 'async']) }),
      output: Text,
    }),
    gather: batch({
      summary: 'Gathers.',
      socket: 'text:gather',
      input: Text,
      output: z.object({ place: z.int() }),
      lane: input => input.text,
    }),
    tell: command({
      summary: 'Tells a user.',
      socket: 'text:tell',
      input: z.object({ to: z.string(), text: z.string() }),
      output: Text,
    }),
  },
  events: { told: event('text:told', Text, 'Somebody told you something.') },
};
const { operations, events } = contract;

interface TextDoor {
  doors: Doors;
  /** What `text:wait` has said, in the order of its ends. */
  order: string[];
}

/** A server of a few words, to try its door with. */
export function useTextDoor(): TextDoor {
  const order: string[] = [];
  let place = 0;

  const doors = useDoors(contract, (_http, gateway) => {
    gateway.handle(operations.echo, async (_ctx, { text }) => ({ text }));
    gateway.handle(operations.wait, async (_ctx, { text, ms }) => {
      await pause(ms);
      order.push(text);
      return { text };
    });
    gateway.handle(operations.fail, (_ctx, { how }) => {
      const error = new Error('a secret of the server');
      if (how === 'sync') throw error;
      return Promise.reject(error);
    });
    gateway.handle(operations.gather, async (_ctx, calls) =>
      calls.map(() => {
        place += 1;
        return { place };
      }),
    );
    gateway.handle(operations.tell, async (ctx, { to, text }) => {
      ctx.emit(events.told, { text }, { to: [to] });
      if (text === 'never') throw new Error('rolled back');
      return { text };
    });
  });
  return { doors, order };
}
