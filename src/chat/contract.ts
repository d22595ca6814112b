import { z } from 'zod';
import { durable, event, fact, moment } from '../common/operations.ts';
import { slot, statementSlot } from '../common/slots.ts';
import { messageOperations } from './contract/messages.ts';
import { peopleOperations } from './contract/people.ts';
import { Me, Message, SharedThread } from './contract/shapes.ts';
import { staffOperations } from './contract/staff.ts';
import { threadOperations } from './contract/threads.ts';

export const namespace = '/chat';

export const operations = { ...threadOperations, ...messageOperations, ...peopleOperations, ...staffOperations };

/** Durable pushes are the same bytes for every participant; `me:updated` goes to one user's devices alone. */
export const events = {
  threadCreated: event('thread:created', durable({ thread: SharedThread }), 'A thread with you was opened.'),
  threadUpdated: event('thread:updated', durable({ thread: SharedThread }), 'Post, lock or receipts of it changed.'),
  messageCreated: event(
    'message:created',
    durable({ message: Message }),
    'A message; again after a retry of its sender.',
  ),
  messageEdited: event('message:edited', durable({ message: Message }), 'The sender changed the text.'),
  messageDeleted: event('message:deleted', durable({ message: Message }), 'Only a tombstone is left.'),
  messageReacted: event('message:reacted', durable({ message: Message }), 'Its reactions changed.'),
  receiptUpdated: event(
    'receipt:updated',
    durable({ user_id: z.uuid(), read_seq: z.int().optional(), delivered_seq: z.int().optional() }),
    'Up to where a participant has read or received.',
  ),
  accessRevoked: event('access:revoked', durable({ reason: z.string() }), 'You are no participant any more.'),
  meUpdated: event('me:updated', z.object({ thread_id: z.uuid(), me: Me, at: moment }), 'Your own state of it.'),
  typingUpdated: event(
    'typing:updated',
    z.object({
      thread_id: z.uuid(),
      user_id: z.uuid(),
      state: z.enum(['start', 'stop']),
      expires_in_ms: z.int().describe('Without a further start it has stopped after so long.'),
    }),
    'The other side writes, or stopped.',
  ),
  syncHead: event(
    'sync:head',
    z.object({ threads: z.array(z.tuple([z.uuid(), z.int()])).describe('[thread_id, rev]') }),
    'Revisions as they are stored: what is behind them should be pulled.',
  ),
};

/** A message that was stored just now, once; a retry pushes `message:created` again, but makes no such fact. */
export interface StoredMessage {
  message: z.output<typeof Message>;
  /** The other participants. */
  recipientIds: readonly string[];
}

export const facts = {
  /** Heard after the commit; what is to be stored with it is a part of its statement, see `whenStored`. */
  messageStored: fact<StoredMessage>('chat.message-stored'),
  /** The user has read up to `seq`. Sending reads too, and is told to `whenStored` alone. */
  threadRead: fact<{ threadId: string; userId: string; seq: number }>('chat.thread-read'),
  /** Whether one of the two blocks the other now: neither may see the other's presence. */
  blockChanged: fact<{ userIds: readonly [string, string]; isBlocked: boolean }>('chat.block-changed'),
  /** Staff took a user out of a thread; `remainingIds` are still in it. */
  participantRemoved: fact<{ userId: string; remainingIds: readonly string[] }>('chat.participant-removed'),
};

/**
 * What else the statement does that stores messages. Its parts read the relation `sent`, a row for each thread: `id, text,
 * sender_id` of its last message, `thread_id, recipient_id` (null: nobody is left), `unread_count` (messages
 * since the recipient's own last one), `unread_by` (who of those that sent had something unread; sending is reading),
 * `post_id, post_title`; `$1` is the moment of the batch. The statement for one message alone has no `unread_by`, and
 * `$2` is its thread, `$3` its sender.
 */
export const whenStored = statementSlot('chat.when-stored');

/** Whether a user lets others see what they have read; notifications' preferences fill it. */
export const readReceipts = slot<boolean>('chat.read-receipts', true);
