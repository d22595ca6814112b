import { z } from 'zod';
import { anyId, batch, command, cursor, nextCursor, pageLimit, query } from '../../common/operations.ts';
import { listLimits, searchLimits, sendLimits } from './limits.ts';
import { clientId, content, humanText, Message, saysSomething, seq, TEXT_LENGTH, thread } from './shapes.ts';

export const SendMessage = z
  .object({
    thread_id: anyId,
    client_id: clientId,
    ...content,
    reply_to: anyId.optional().describe('A message of the same thread.'),
  })
  .refine(saysSomething, { path: ['text'], error: 'required' });
export type SendMessage = z.output<typeof SendMessage>;

const message = { ...thread, message_id: anyId };
const Window = {
  before_seq: seq.optional().describe('The last ones before this position, without it. At most one of the three.'),
  after_seq: seq.optional().describe('The first ones after this position, without it.'),
  around_seq: seq.optional().describe('Those around this position, with it.'),
  limit: pageLimit(100, 50),
};
const atMostOneWindow = (input: Partial<Record<'before_seq' | 'after_seq' | 'around_seq', number | undefined>>) =>
  [input.before_seq, input.after_seq, input.around_seq].filter(given => given !== undefined).length <= 1;
const HasMore = { has_more_before: z.boolean(), has_more_after: z.boolean() };
const MessageOf = z.object({ message: Message });
const emoji = z
  .string()
  .max(40)
  .refine(text => /^\p{RGI_Emoji}$/v.test(text), { error: 'invalid_emoji' })
  .describe('One emoji.');

const searched = humanText(100)
  .refine(text => [...text].length !== 1, { error: 'too_small' })
  .describe('2 to 100 code points; trimmed, NFC.');

export const messageOperations = {
  history: query({
    summary: 'Messages of a thread, ascending; without a position the newest.',
    socket: 'thread:history',
    limits: listLimits,
    input: z.object({ ...thread, ...Window }).refine(atMostOneWindow, { path: ['before_seq'], error: 'only_one' }),
    output: z.object({ messages: z.array(Message), ...HasMore }),
    errors: ['not_found'],
  }),
  listMessages: query({
    summary: 'Messages of a thread, ascending; without a position the newest; `next` leads to older ones.',
    http: ['GET /api/chat/threads/{thread_id}/messages/', 'GET /api/chat/messages/'],
    limits: listLimits,
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
    limits: sendLimits,
    countedAs: (_input, { duplicate }) => (duplicate ? 'duplicate' : 'stored'),
    input: SendMessage,
    generated: ['client_id'],
    output: z.object({ message: Message, duplicate: z.boolean() }),
    status: 201,
    isRepeat: output => output.duplicate,
    lane: input => input.thread_id,
    // Images are taken by a statement of their own.
    oneStatement: input => !input.attachments?.length,
    errors: ['not_found', 'thread_locked', 'recipient_unavailable', 'idempotency_conflict'],
  }),
  editMessage: command({
    summary: 'Changes the text of an own message, within 15 minutes.',
    socket: 'message:edit',
    input: z.object({
      ...message,
      text: humanText(TEXT_LENGTH),
      expected_rev: seq.optional().describe('The `rev` of the message that is changed; another one is `conflict`.'),
    }),
    output: MessageOf,
    errors: [
      'not_found',
      'permission_denied',
      'edit_window_closed',
      'conflict',
      'invalid_state',
      'thread_locked',
      'recipient_unavailable',
    ],
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
    input: z.object({ ...message, emoji, op: z.enum(['add', 'remove']) }),
    output: MessageOf,
    errors: ['not_found', 'invalid_state', 'thread_locked', 'recipient_unavailable'],
  }),
  searchMessages: query({
    summary: "Messages of the caller's threads, by text or part number, newest first.",
    socket: 'message:search',
    limits: searchLimits,
    input: z.object({ q: searched, thread_id: anyId.optional(), limit: pageLimit(50), cursor }),
    output: z.object({
      results: z.array(z.object({ message: Message, snippet: z.string() })),
      next_cursor: nextCursor,
    }),
    errors: ['invalid_cursor', 'not_found'],
  }),
};
