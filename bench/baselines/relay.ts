// Baseline (a): bare Socket.IO with acks. Nothing is checked, nothing is stored.
import { randomUUIDv7 } from 'node:crypto';
import { listen, tellBoth } from './door.ts';
import { readThreads } from './threads.ts';

const threads = readThreads(process.argv[2]!);
listen(async (io, userId, sent) => {
  const thread = threads.get(sent.thread_id)!;
  const message = { id: randomUUIDv7(), ...sent, sender_id: userId, created_at: new Date().toISOString() };
  tellBoth(io, [thread.buyer_id, thread.seller_id], message);
  return { message };
});
