import { defineEntity, p } from '@mikro-orm/core';

/** What a thread shows of its post: kept in the thread, so that a message never touches the posts table. */
export interface PostSnapshot {
  id: string;
  title: string;
  part_number: string | null;
  price: string | null;
  currency: string | null;
  status: string;
  thumb_url: string | null;
}

// The tables of this module have no foreign keys to others: the writer itself guarantees what they would, and each
// costs a lookup and a row lock per message.

const ThreadSchema = defineEntity({
  name: 'Thread',
  tableName: 'threads',
  uniques: [{ name: 'threads_post_buyer', properties: ['postId', 'buyerId'] }],
  properties: {
    id: p.uuid().primary(),
    postId: p.uuid(),
    buyerId: p.uuid(),
    sellerId: p.uuid(),
    post: p.json<PostSnapshot>(),
    /** Rises by one with every durable change that the participants share. */
    rev: p.integer().default(1),
    lastSeq: p.integer().default(0),
    lastMessageId: p.uuid().nullable(),
    isLocked: p.boolean().default(false),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
});
/** The conversation of one buyer with the author about one post, for ever one. */
export class Thread extends ThreadSchema.class {}
ThreadSchema.setClass(Thread);

const ParticipantSchema = defineEntity({
  name: 'Participant',
  tableName: 'participants',
  indexes: [{ name: 'participants_by_user', properties: ['userId', 'threadId'] }],
  properties: {
    threadId: p.uuid().primary(),
    userId: p.uuid().primary(),
    side: p.string().length(6).$type<'buyer' | 'seller'>(),
    /** Revision of what only this user sees: muted, archived, marked unread. */
    meRev: p.integer().default(1),
    readSeq: p.integer().default(0),
    deliveredSeq: p.integer().default(0),
    isMarkedUnread: p.boolean().default(false),
    mutedUntil: p.datetime(3).nullable(),
    isArchived: p.boolean().default(false),
  },
});
/** A user's side in a thread. */
export class Participant extends ParticipantSchema.class {}
ParticipantSchema.setClass(Participant);

const MessageSchema = defineEntity({
  name: 'Message',
  tableName: 'messages',
  uniques: [
    { name: 'messages_thread_seq', properties: ['threadId', 'seq'] },
    { name: 'messages_sender_client', properties: ['senderId', 'clientId'] },
  ],
  indexes: [{ name: 'messages_thread_rev', properties: ['threadId', 'rev'] }],
  properties: {
    id: p.uuid().primary(),
    threadId: p.uuid(),
    seq: p.integer(),
    rev: p.integer(),
    senderId: p.uuid(),
    clientId: p.uuid(),
    /** Of what was first sent, thread included: tells a retry from another message under the same id (G2). */
    contentHash: p.blob(),
    type: p.string().length(8).$type<'text' | 'system' | 'deleted'>().default('text'),
    text: p.text().nullable(),
    replyToId: p.uuid().nullable(),
    createdAt: p.datetime(3),
    editedAt: p.datetime(3).nullable(),
    deletedAt: p.datetime(3).nullable(),
  },
});
/** An entry of a thread with `seq` 1, 2, 3… */
export class Message extends MessageSchema.class {}
MessageSchema.setClass(Message);

export const chatEntities = [Thread, Participant, Message];
