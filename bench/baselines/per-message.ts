// Baseline (b): Socket.IO and MikroORM as a competent team writes it in a day: for every message one transaction, with the
// thread locked, the message, the notification and the thread as entities.
import { randomUUIDv7 } from 'node:crypto';
import { defineEntity, LockMode, p } from '@mikro-orm/core';
import { MikroORM } from '@mikro-orm/postgresql';
import { listen, tellBoth } from './door.ts';
import { readThreads } from './threads.ts';

const ThreadSchema = defineEntity({
  name: 'Thread',
  properties: {
    id: p.uuid().primary(),
    buyerId: p.uuid(),
    sellerId: p.uuid(),
    lastSeq: p.integer().default(0),
    lastMessageAt: p.datetime().nullable(),
  },
});
class Thread extends ThreadSchema.class {}
ThreadSchema.setClass(Thread);

const MessageSchema = defineEntity({
  name: 'Message',
  uniques: [{ properties: ['thread', 'seq'] }, { properties: ['senderId', 'clientId'] }],
  properties: {
    id: p.uuid().primary(),
    thread: () => p.manyToOne(Thread),
    seq: p.integer(),
    senderId: p.uuid(),
    clientId: p.uuid(),
    text: p.text(),
    createdAt: p.datetime(),
  },
});
class Message extends MessageSchema.class {}
MessageSchema.setClass(Message);

const NotificationSchema = defineEntity({
  name: 'Notification',
  indexes: [{ properties: ['userId', 'thread', 'readAt'] }],
  properties: {
    id: p.uuid().primary(),
    userId: p.uuid(),
    thread: () => p.manyToOne(Thread),
    count: p.integer().default(1),
    body: p.text(),
    readAt: p.datetime().nullable(),
    updatedAt: p.datetime(),
  },
});
class Notification extends NotificationSchema.class {}
NotificationSchema.setClass(Notification);

const orm = await MikroORM.init({
  entities: [Thread, Message, Notification],
  clientUrl: process.env['DATABASE_URL']!,
  pool: { min: 0, max: 10 },
});
await orm.schema.refresh();
const seed = orm.em.fork();
for (const { thread_id, buyer_id, seller_id } of readThreads(process.argv[2]!).values())
  seed.create(Thread, { id: thread_id, buyerId: buyer_id, sellerId: seller_id });
await seed.flush();

listen(async (io, userId, sent) => {
  const { message, recipientId } = await orm.em.fork().transactional(async em => {
    const thread = await em.findOneOrFail(Thread, { id: sent.thread_id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (thread.buyerId !== userId && thread.sellerId !== userId) throw new Error('not_found');
    const recipientId = thread.buyerId === userId ? thread.sellerId : thread.buyerId;
    const now = new Date();
    thread.lastSeq += 1;
    thread.lastMessageAt = now;
    const message = em.create(Message, {
      ...{ id: randomUUIDv7(), thread, seq: thread.lastSeq, senderId: userId },
      ...{ clientId: sent.client_id, text: sent.text, createdAt: now },
    });
    const unread = await em.findOne(Notification, { userId: recipientId, thread, readAt: null });
    if (unread) {
      unread.count += 1;
      unread.body = sent.text;
      unread.updatedAt = now;
    } else {
      const fields = { id: randomUUIDv7(), userId: recipientId, thread, body: sent.text, updatedAt: now };
      em.create(Notification, fields);
    }
    return { message, recipientId };
  });
  const view = {
    ...{ id: message.id, ...sent, seq: message.seq, sender_id: userId },
    created_at: message.createdAt.toISOString(),
  };
  tellBoth(io, [userId, recipientId], view);
  return { message: view };
});
