// Baseline of a fan-out: bare Socket.IO, and a room for each thread with all devices of both sides in it.
import { randomUUIDv7 } from 'node:crypto';
import { listen } from './door.ts';
import { readThreads } from './threads.ts';

const threads = [...readThreads(process.argv[2]!).values()];
const roomOf = new Map(
  threads.flatMap(one => [one.buyer_id, one.seller_id].map(id => [id, `thread:${one.thread_id}`])),
);

listen(
  async (io, userId, sent) => {
    const message = { id: randomUUIDv7(), ...sent, sender_id: userId, created_at: new Date().toISOString() };
    io.of('/chat').to(roomOf.get(userId)!).emit('message:created', { message });
    return { message };
  },
  userId => roomOf.get(userId)!,
);
