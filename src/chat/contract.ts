import { z } from 'zod';
import {
  batch, command, cursor, durable, event, fact, moment, nextCursor, pageLimit, query,
} from '../common/operations.ts'; // biome-ignore format: short
import { slot } from '../common/slots.ts';
import { anyId, humanText, Me, Message, SharedThread, TEXT_LENGTH, Thread, Unread } from './contract/shapes.ts';

export const namespace = '/chat';

const content = {
  text: humanText(TEXT_LENGTH).optional(),
  attachments: z.array(anyId).max(10).optional().describe('Ids of own uploads with the purpose `chat`.'),
};
const saysSomething = (input: { text?: string | undefined; attachments?: unknown[] | undefined }) =>
  input.text !== undefined || (input.attachments?.length ?? 0) > 0;
const clientId = anyId.describe('Any UUID, chosen by the sender; a retry is answered with what was stored first.');

export const SendMessage = z
  .object({ thread_id: anyId, client_id: clientId, ...content, reply_to: anyId.optional() })
  .refine(saysSomething, { path: ['text'], error: 'required' });
export type SendMessage = z.output<typeof SendMessage>;

export const OpenThread = z.object({
  post_id: anyId,
  client_id: clientId.optional().describe('Of the first message, where that brings none itself.'),
  first_message: z
    .object({ client_id: clientId.optional(), ...content })
    .refine(saysSomething, { path: ['text'], error: 'required' })
    .optional()
    .describe('Sent into an existing thread too.'),
  text: content.text.describe('Short for `first_message.text`.'),
});
export type OpenThread = z.output<typeof OpenThread>;

const seq = z.int().min(0).max(2_147_483_647);
const thread = { thread_id: anyId };
const message = { ...thread, message_id: anyId };
const Page = { limit: pageLimit(100), cursor };
const Window = {
  before_seq: seq.optional(),
  after_seq: seq.optional(),
  around_seq: seq.optional(),
  limit: pageLimit(100, 50),
};
const atMostOneWindow = (input: Partial<Record<'before_seq' | 'after_seq' | 'around_seq', number | undefined>>) =>
  [input.before_seq, input.after_seq, input.around_seq].filter(given => given !== undefined).length <= 1;
const Sent = z.object({ message: Message, duplicate: z.boolean() });
const HasMore = { has_more_before: z.boolean(), has_more_after: z.boolean() };
const Reason = z.enum(['spam', 'fraud', 'abuse', 'other']);
const Reported = z.object({ report_id: z.uuid() });
const ThreadOf = z.object({ thread: Thread });
const MessageOf = z.object({ message: Message });

export const operations = {
  pull: query({
    summary: 'Everything that differs between what the client holds and what is stored.',
    socket: 'sync:pull',
    input: z.object({
      threads: z
        .array(z.object({ ...thread, rev: seq, me_rev: seq.optional() }))
        .max(1_000)
        .default([])
        .describe('What the client holds; a thread that is not given counts as rev 0.'),
      only: z.boolean().default(false).describe('Just the given threads.'),
      limit: pageLimit(200, 50).describe('Threads.'),
      cursor,
    }),
    output: z.object({
      threads: z.array(
        z.object({
          thread: Thread,
          messages: z.array(Message).describe('Changed since the given rev, by seq.'),
          reset: z.boolean().describe('Too much changed: these are the newest messages, drop the older copy.'),
        }),
      ),
      gone: z.array(z.uuid()).describe("Given ids that are not the caller's."),
      has_more: z.boolean(),
      next_cursor: nextCursor,
      unread: Unread,
    }),
    errors: ['invalid_cursor'],
  }),
  openThread: command({
    summary: 'Opens the one thread of the caller about a post, or finds it again.',
    http: 'POST /api/chat/start/',
    socket: 'thread:open',
    input: OpenThread,
    output: z.object({ thread: Thread, message: Message.optional(), created: z.boolean() }),
    status: 201,
    isRepeat: output => !output.created,
    errors: ['b2b_not_enabled', 'own_post', 'post_unavailable', 'recipient_unavailable', 'not_found'],
  }),
  listThreads: query({
    summary: "The caller's threads, newest activity first.",
    http: 'GET /api/chat/threads/',
    socket: 'thread:list',
    input: z.object({
      box: z.enum(['inbox', 'archived', 'all']).default('inbox'),
      role: z.enum(['buyer', 'seller']).optional(),
      unread_only: z.boolean().default(false),
      post_id: anyId.optional(),
      ...Page,
    }),
    output: z.object({ results: z.array(Thread), next_cursor: nextCursor, unread: Unread }),
    paged: true,
    errors: ['invalid_cursor'],
  }),
  getThread: query({
    summary: 'One thread of the caller.',
    http: 'GET /api/chat/threads/{thread_id}/',
    socket: 'thread:get',
    input: z.object(thread),
    output: ThreadOf,
    errors: ['not_found'],
  }),
  history: query({
    summary: 'Messages of a thread, ascending; without a position the newest.',
    socket: 'thread:history',
    input: z.object({ ...thread, ...Window }).refine(atMostOneWindow, { path: ['before_seq'], error: 'only_one' }),
    output: z.object({ messages: z.array(Message), ...HasMore }),
    errors: ['not_found'],
  }),
  listMessages: query({
    summary: 'Messages of a thread, ascending; without a position the newest; `next` leads to older ones.',
    http: ['GET /api/chat/threads/{thread_id}/messages/', 'GET /api/chat/messages/'],
    input: z
      .object({ ...thread, ...Window, cursor })
      .refine(atMostOneWindow, { path: ['before_seq'], error: 'only_one' }),
    output: z.object({ results: z.array(Message), ...HasMore, next_cursor: nextCursor }),
    paged: true,
    errors: ['not_found', 'invalid_cursor'],
  }),
  sendMessage: batch({
    summary: 'Sends a message; the answer says that it is stored.',
    http: 'POST /api/chat/send/',
    socket: 'message:send',
    input: SendMessage,
    generated: ['client_id'],
    output: Sent,
    status: 201,
    isRepeat: output => output.duplicate,
    lane: input => input.thread_id,
    errors: ['not_found', 'thread_locked', 'recipient_unavailable', 'idempotency_conflict', 'attachment_not_ready'],
  }),
  readThread: batch({
    summary: 'Says up to where the caller has read.',
    http: 'POST /api/chat/threads/{thread_id}/read/',
    socket: 'thread:read',
    input: z.object({ ...thread, seq }),
    output: z.object({ read_seq: z.int(), unread: z.int() }),
    lane: input => input.thread_id,
    errors: ['not_found'],
  }),
  markDelivered: batch({
    summary: "Says up to where the caller's device has stored messages.",
    socket: 'thread:delivered',
    input: z.object({ items: z.array(z.object({ ...thread, seq })).max(100) }),
    output: z.object({}),
    lane: () => 'delivered',
  }),
  markUnread: command({
    summary: 'Marks a thread as unread, for the caller alone.',
    socket: 'thread:mark-unread',
    input: z.object(thread),
    output: ThreadOf,
    errors: ['not_found'],
  }),
  muteThread: command({
    summary: 'Keeps a thread quiet until a moment, or no longer (null).',
    http: 'POST /api/chat/threads/{thread_id}/mute/',
    socket: 'thread:mute',
    input: z.object({ ...thread, until: z.iso.datetime({ offset: true }).nullable() }),
    output: ThreadOf,
    errors: ['not_found'],
  }),
  archiveThread: command({
    summary: 'Puts a thread away, or back.',
    http: 'POST /api/chat/threads/{thread_id}/archive/',
    socket: 'thread:archive',
    input: z.object({ ...thread, archived: z.boolean() }),
    output: ThreadOf,
    errors: ['not_found'],
  }),
  editMessage: command({
    summary: 'Changes the text of an own message, within 15 minutes.',
    socket: 'message:edit',
    input: z.object({ ...message, text: humanText(TEXT_LENGTH), expected_rev: seq.optional() }),
    output: MessageOf,
    errors: ['not_found', 'permission_denied', 'edit_window_closed', 'conflict', 'invalid_state', 'thread_locked'],
  }),
  deleteMessage: command({
    summary: 'Leaves a tombstone of an own message for all, within 24 hours.',
    socket: 'message:delete',
    input: z.object(message),
    output: MessageOf,
    errors: ['not_found', 'permission_denied', 'edit_window_closed'],
  }),
  reactToMessage: command({
    summary: 'Adds or removes a reaction.',
    socket: 'message:react',
    input: z.object({ ...message, emoji: humanText(16), op: z.enum(['add', 'remove']) }),
    output: MessageOf,
    errors: ['not_found', 'invalid_state', 'thread_locked', 'recipient_unavailable'],
  }),
  searchMessages: query({
    summary: "Messages of the caller's threads, by text or part number, newest first.",
    socket: 'message:search',
    input: z.object({ q: humanText(100), thread_id: anyId.optional(), limit: pageLimit(50), cursor }),
    output: z.object({
      results: z.array(z.object({ message: Message, snippet: z.string() })),
      next_cursor: nextCursor,
    }),
    errors: ['invalid_cursor', 'not_found'],
  }),
  focusThread: command({
    summary: 'This device looks at a thread (for 60 s), or at none.',
    socket: 'thread:focus',
    volatile: true,
    input: z.object({ thread_id: anyId.nullable() }),
    output: z.object({}),
  }),
  blockUser: command({
    summary: 'Nobody of the two can write to the other any more; both keep the history.',
    socket: 'user:block',
    input: z.object({ user_id: anyId }),
    output: z.object({ user_id: z.uuid(), blocked: z.boolean() }),
    errors: ['not_found'],
  }),
  unblockUser: command({
    summary: "Takes back the caller's own block.",
    socket: 'user:unblock',
    input: z.object({ user_id: anyId }),
    output: z.object({ user_id: z.uuid(), blocked: z.boolean() }),
    errors: ['not_found'],
  }),
  createReport: command({
    summary: 'Reports something to the moderators, who get a copy of it as it is now.',
    socket: 'report:create',
    input: z.object({
      client_id: clientId,
      target: z.object({ type: z.enum(['message', 'thread', 'user', 'post']), id: anyId }),
      reason: Reason,
      comment: humanText(1_000).optional(),
    }),
    output: Reported,
    errors: ['not_found', 'own_post', 'already_reported'],
  }),
  reportPost: command({
    summary: 'Reports a post to the moderators.',
    http: 'POST /api/b2b/posts/{post_id}/report/',
    input: z.object({
      post_id: anyId,
      reason: Reason,
      comment: humanText(1_000).optional(),
      client_id: clientId.optional(),
    }),
    output: Reported,
    status: 201,
    errors: ['not_found', 'own_post', 'already_reported', 'b2b_not_enabled'],
  }),
};

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
  meUpdated: event('me:updated', z.object({ ...{ thread_id: z.uuid() }, me: Me, at: moment }), 'Your own state of it.'),
};

/** A message that was stored just now, once; a retry pushes `message:created` again, but makes no such fact. */
export interface StoredMessage {
  message: z.output<typeof Message>;
  post: { id: string; title: string };
  /** The other participants. Who muted the thread: `participants.muted_until`; who looks at it: `focus_leases`. */
  recipientIds: readonly string[];
}

export const facts = {
  messageStored: fact<StoredMessage>('chat.message-stored'),
  /** The user has read up to `seq`; announced in the transaction that moves it, sending included. */
  threadRead: fact<{ threadId: string; userId: string; seq: number }>('chat.thread-read'),
};

/** Whether a user lets others see what they have read; notifications' preferences fill it. */
export const readReceipts = slot<boolean>('chat.read-receipts', true);
