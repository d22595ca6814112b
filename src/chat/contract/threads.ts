import { z } from 'zod';
import { anyId, anyMoment, batch, command, cursor, nextCursor, pageLimit, query } from '../../common/operations.ts';
import { deliveredLimits, listLimits, openLimits, readLimits } from './limits.ts';
import { clientId, content, Message, saysSomething, seq, Thread, thread, Unread } from './shapes.ts';

export const OpenThread = z
  .object({
    post_id: anyId,
    client_id: clientId.optional().describe('Of the first message, where that brings none itself.'),
    first_message: z
      .object({ client_id: clientId.optional(), ...content })
      .optional()
      .describe('Sent into an existing thread too.'),
    text: content.text.describe('Short for `first_message.text`.'),
  })
  .refine(({ first_message, text }) => !first_message || saysSomething({ text, ...first_message }), {
    path: ['first_message', 'text'],
    error: 'required',
  });
export type OpenThread = z.output<typeof OpenThread>;

const ThreadOf = z.object({ thread: Thread });

export const threadOperations = {
  pull: query({
    summary: 'Everything that differs between what the client holds and what is stored.',
    socket: 'sync:pull',
    countedAs: ({ cursor, only, threads }) =>
      cursor ? 'page' : only ? 'repair' : threads.length > 0 ? 'reconnect' : 'first',
    input: z.object({
      threads: z
        .array(z.object({ ...thread, rev: seq, me_rev: seq.optional() }))
        .max(1_000)
        .default([])
        .describe(
          'What the client holds, about 400 threads in an event of 32 KiB; one that is not given counts as rev 0. Who holds more compares `thread:list`, and names those that differ with `only`.',
        ),
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
    limits: openLimits,
    input: OpenThread,
    generated: ['client_id'],
    output: z.object({ thread: Thread, message: Message.optional(), created: z.boolean() }),
    status: 201,
    isRepeat: output => !output.created,
    errors: [
      'b2b_not_enabled',
      'own_post',
      'post_unavailable',
      'recipient_unavailable',
      'not_found',
      'thread_locked',
      'idempotency_conflict',
    ],
  }),
  listThreads: query({
    summary: "The caller's threads, newest activity first.",
    http: 'GET /api/chat/threads/',
    socket: 'thread:list',
    limits: listLimits,
    input: z.object({
      box: z.enum(['inbox', 'archived', 'all']).default('inbox'),
      role: z.enum(['buyer', 'seller']).optional(),
      unread_only: z.boolean().default(false),
      post_id: anyId.optional(),
      limit: pageLimit(100),
      cursor,
    }),
    output: z.object({ results: z.array(Thread), next_cursor: nextCursor, unread: Unread }),
    paged: true,
    errors: ['invalid_cursor'],
  }),
  getThread: query({
    summary: 'One thread of the caller.',
    http: 'GET /api/chat/threads/{thread_id}/',
    socket: 'thread:get',
    limits: listLimits,
    input: z.object(thread),
    output: ThreadOf,
    errors: ['not_found'],
  }),
  readThread: batch({
    summary: 'Says up to where the caller has read.',
    http: 'POST /api/chat/threads/{thread_id}/read/',
    socket: 'thread:read',
    limits: readLimits,
    input: z.object({ ...thread, seq: seq.describe('Up to this message; above the last one it is the last one.') }),
    output: z.object({ read_seq: z.int().describe('Never below what was read before.'), unread: z.int() }),
    lane: input => input.thread_id,
    errors: ['not_found'],
  }),
  markDelivered: batch({
    summary: "Says up to where the caller's device has stored messages.",
    socket: 'thread:delivered',
    limits: deliveredLimits,
    input: z.object({ items: z.array(z.object({ ...thread, seq })).max(100) }),
    output: z.object({}),
    lane: () => 'delivered',
    errors: ['not_found'],
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
    input: z.object({ ...thread, until: anyMoment.nullable() }),
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
  focusThread: query({
    summary: 'This device looks at a thread (for 60 s), or at none.',
    socket: 'thread:focus',
    volatile: true,
    input: z.object({ thread_id: anyId.nullable() }),
    output: z.object({}),
  }),
  startTyping: query({
    summary: 'The caller is writing; told to the others at most once in 3 s, and for 7 s.',
    socket: 'typing:start',
    volatile: true,
    input: z.object(thread),
    output: z.object({}),
  }),
  stopTyping: query({
    summary: 'The caller stopped writing.',
    socket: 'typing:stop',
    volatile: true,
    input: z.object(thread),
    output: z.object({}),
  }),
};
