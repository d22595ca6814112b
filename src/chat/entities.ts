import { defineEntity, p } from '@mikro-orm/core';
import type { PostSnapshot } from '../b2b/contract.ts';
import type { Attachment, Message as MessageView } from './contract/shapes.ts';

// The tables of this module have no foreign keys to others: the writer itself guarantees what they would, and each
// costs a lookup and a row lock per message.

const ThreadSchema = defineEntity({
  name: 'Thread',
  tableName: 'threads',
  uniques: [{ name: 'threads_post_buyer', properties: ['postId', 'buyerId'] }],
  // Whether two users talk is asked for hundreds of pairs at once, strangers included.
  indexes: [
    { name: 'threads_by_pair', properties: ['buyerId', 'sellerId'] },
    { name: 'threads_by_change', properties: ['changedWithin'] },
  ],
  properties: {
    id: p.uuid().primary(),
    postId: p.uuid(),
    buyerId: p.uuid(),
    sellerId: p.uuid(),
    /** Kept here, so that a message never touches the posts table. */
    post: p.json<PostSnapshot>(),
    /** Rises by one with every durable change that the participants share. */
    rev: p.integer().default(1),
    lastSeq: p.integer().default(0),
    /** The newest message, before the first one the thread itself: ids grow with time, so lists are ordered by it. */
    activityId: p.uuid(),
    isLocked: p.boolean().default(false),
    /** One of the two blocks the other: kept here, under the lock of the thread, so that no message slips through. */
    isBlocked: p.boolean().default(false),
    /** Up to where each side has read and received: here, so that a message is one row of one thread. */
    buyerReadSeq: p.integer().default(0),
    sellerReadSeq: p.integer().default(0),
    buyerDeliveredSeq: p.integer().default(0),
    sellerDeliveredSeq: p.integer().default(0),
    /** Removed by staff; as `participants.removed_at`, under the lock that every message takes. */
    isBuyerRemoved: p.boolean().default(false),
    isSellerRemoved: p.boolean().default(false),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
    /**
     * The ten minutes of the last change. An index on the moment itself would make every message write into all indexes of
     * its thread; on this one only the first in ten minutes does.
     */
    changedWithin: p
      .datetime(3)
      .nullable()
      .generated(`(date_bin('10 minutes', updated_at, timestamptz '2000-01-01 00:00:00+00')) stored`),
  },
});
/** The conversation of one buyer with the author about one post, for ever one. */
export class Thread extends ThreadSchema.class {}
ThreadSchema.setClass(Thread);

const ParticipantSchema = defineEntity({
  name: 'Participant',
  tableName: 'participants',
  indexes: [
    { name: 'participants_by_user', properties: ['userId', 'threadId'] },
    {
      name: 'participants_by_change',
      expression: 'create index participants_by_change on participants (me_changed_at) where me_changed_at is not null',
    },
  ],
  properties: {
    threadId: p.uuid().primary(),
    userId: p.uuid().primary(),
    side: p.string().length(6).$type<'buyer' | 'seller'>(),
    /** Revision of what only this user sees: muted, archived, marked unread. */
    meRev: p.integer().default(1),
    /** When it last rose; null: never. */
    meChangedAt: p.datetime(3).nullable(),
    isMarkedUnread: p.boolean().default(false),
    mutedUntil: p.datetime(3).nullable(),
    isArchived: p.boolean().default(false),
    /** The user lets nobody see what was read. */
    hidesReceipts: p.boolean().default(false),
    /** Since then the thread does not exist for this user. */
    removedAt: p.datetime(3).nullable(),
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
  indexes: [
    // A message that was never changed is found by `seq`: at most as many are new as the thread's `rev` has risen.
    {
      name: 'messages_changed',
      expression: 'create index messages_changed on messages (thread_id, rev) where changed_at is not null',
    },
    {
      name: 'messages_part_numbers',
      expression:
        'create index messages_part_numbers on messages using gin (part_numbers) where part_numbers is not null',
    },
  ],
  properties: {
    id: p.uuid().primary(),
    threadId: p.uuid(),
    seq: p.integer(),
    rev: p.integer(),
    /** null: the system. */
    senderId: p.uuid().nullable(),
    clientId: p.uuid(),
    /** Of what was first sent, thread included: tells a retry from another message under the same id (G2). */
    contentHash: p.blob(),
    type: p.string().length(8).$type<'text' | 'system' | 'deleted'>().default('text'),
    text: p.text().nullable(),
    replyToId: p.uuid().nullable(),
    attachments: p.json<Attachment[]>().nullable(),
    reactions: p.json<MessageView['reactions']>().nullable(),
    partNumbers: p.array().nullable(),
    /** When it was last edited, deleted or reacted to; null: never. */
    changedAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3),
    editedAt: p.datetime(3).nullable(),
    deletedAt: p.datetime(3).nullable(),
  },
});
/** An entry of a thread with `seq` 1, 2, 3… */
export class Message extends MessageSchema.class {}
MessageSchema.setClass(Message);

const BlockSchema = defineEntity({
  name: 'Block',
  tableName: 'blocks',
  properties: {
    blockerId: p.uuid().primary(),
    blockedId: p.uuid().primary(),
    createdAt: p.datetime(3),
  },
});
/** One user wants to hear nothing from another. */
export class Block extends BlockSchema.class {}
BlockSchema.setClass(Block);

const FocusLeaseSchema = defineEntity({
  name: 'FocusLease',
  tableName: 'focus_leases',
  indexes: [{ name: 'focus_leases_by_user', properties: ['userId', 'threadId'] }],
  properties: {
    connection: p.string().length(40).primary(),
    userId: p.uuid(),
    threadId: p.uuid(),
    expiresAt: p.datetime(3),
  },
});
/** A device of the user shows this thread at the moment: no need to make a noise about it. */
export class FocusLease extends FocusLeaseSchema.class {}
FocusLeaseSchema.setClass(FocusLease);

export type ReportStatus = 'open' | 'assigned' | 'resolved';

const ReportSchema = defineEntity({
  name: 'Report',
  tableName: 'reports',
  uniques: [
    { name: 'reports_reporter_client', properties: ['reporterId', 'clientId'] },
    { name: 'reports_one_per_target', properties: ['reporterId', 'targetType', 'targetId'] },
  ],
  indexes: [
    { name: 'reports_by_status', properties: ['status', 'id'] },
    { name: 'reports_by_subject', properties: ['subjectId', 'id'] },
    { name: 'reports_by_assignee', properties: ['assigneeId', 'id'] },
  ],
  properties: {
    id: p.uuid().primary(),
    reporterId: p.uuid(),
    clientId: p.uuid(),
    targetType: p.string().length(8).$type<'message' | 'thread' | 'user' | 'post'>(),
    targetId: p.uuid(),
    /** The thread that moderators may read because of this report. */
    threadId: p.uuid().nullable(),
    /** Who is responsible for what was reported. */
    subjectId: p.uuid().nullable(),
    reason: p.string().length(8).$type<'spam' | 'fraud' | 'abuse' | 'other'>(),
    comment: p.text().nullable(),
    /** What was reported, as it was then. */
    copy: p.json<Record<string, unknown>>(),
    status: p.string().length(10).$type<ReportStatus>().default('open'),
    assigneeId: p.uuid().nullable(),
    resolution: p.text().nullable(),
    resolvedAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3),
  },
});
/** What a user asked the moderators to look at. */
export class Report extends ReportSchema.class {}
ReportSchema.setClass(Report);

const CutOffInstanceSchema = defineEntity({
  name: 'CutOffInstance',
  tableName: 'cut_off_instances',
  properties: {
    id: p.uuid().primary(),
    until: p.datetime(3),
  },
});
/** An instance that could not reach the others a moment ago: what it pushes they do not hear. */
export class CutOffInstance extends CutOffInstanceSchema.class {}
CutOffInstanceSchema.setClass(CutOffInstance);

export const chatEntities = [Thread, Participant, Message, Block, FocusLease, Report, CutOffInstance];
