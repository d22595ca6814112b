import { z } from 'zod';
import { PublicUser, Unread as UnreadCounts } from '../../accounts/contract/shapes.ts';
import { anyId, moment } from '../../common/operations.ts';

export const TEXT_LENGTH = 4_000;

// Every control character but line feed and tab; what is no whole character of Unicode is none that can be stored.
const refusedCharacters = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;
const isLongerThan = (text: string, most: number) => text.length > most && [...text].length > most;

/** What people write to each other: trimmed, NFC, stored and returned raw. */
export function humanText(most: number) {
  return z
    .string()
    .trim()
    .normalize('NFC')
    .min(1)
    .refine(text => !isLongerThan(text, most), { error: 'too_big' })
    .refine(text => text.isWellFormed() && !refusedCharacters.test(text), { error: 'control_characters' })
    .describe(`1 to ${most} code points; trimmed, NFC; no control characters but line feed and tab.`);
}

export const clientId = anyId.describe(
  'Any UUID, chosen by the sender; a retry is answered with what was stored first.',
);
export const seq = z.int().min(0).max(2_147_483_647);
export const thread = { thread_id: anyId };
export const content = {
  text: humanText(TEXT_LENGTH).optional(),
  attachments: z.array(anyId).max(10).optional().describe('Ids of own uploads with the purpose `chat`.'),
};

export function saysSomething({
  text,
  attachments,
}: {
  text?: string | undefined;
  attachments?: unknown[] | undefined;
}) {
  return text !== undefined || (attachments?.length ?? 0) > 0;
}

export const Side = z.enum(['buyer', 'seller']);

export const Preview = z
  .object({
    id: z.uuid(),
    seq: z.int(),
    sender_id: z.uuid().nullable().describe('null: the system.'),
    type: z.enum(['text', 'system', 'deleted']),
    text: z.string().nullable().describe('Its first 140 code points.'),
    created_at: moment,
  })
  .meta({ id: 'Preview' });
export type Preview = z.output<typeof Preview>;

export const Attachment = z
  .object({
    id: z.uuid(),
    kind: z.literal('image'),
    name: z.string(),
    bytes: z.int(),
    mime: z.string(),
    url: z.string().describe('Relative to the address of the server, but absolute where images are kept in a bucket.'),
    thumb_url: z.string().nullable(),
    width: z.int().nullable(),
    height: z.int().nullable(),
  })
  .meta({ id: 'Attachment' });
export type Attachment = z.output<typeof Attachment>;

export const Message = z
  .object({
    id: z.uuid(),
    thread_id: z.uuid(),
    seq: z.int().describe('Position in the thread: 1, 2, 3… without holes; the order of display.'),
    rev: z.int().describe('The revision of the thread that changed this message last.'),
    client_id: z.guid().describe('Chosen by the sender; by it the sender knows a message again.'),
    sender: z.object({ id: z.uuid().nullable().describe('null: the system.'), kind: z.enum(['user', 'system']) }),
    type: z.enum(['text', 'system', 'deleted']),
    text: z.string().nullable().describe('null without text and once deleted; a word of the system, if it sent it.'),
    attachments: z.array(Attachment),
    reply_to: Preview.nullable(),
    reactions: z.array(z.object({ emoji: z.string(), user_ids: z.array(z.uuid()) })),
    part_numbers: z.array(z.string()).describe('Found in the text, in the form in which all their spellings are one.'),
    created_at: moment,
    edited_at: moment.nullable(),
    deleted_at: moment.nullable(),
  })
  .meta({ id: 'Message' });
export type Message = z.output<typeof Message>;

export const ThreadParticipant = z
  .object({
    user: PublicUser,
    side: Side,
    read_seq: z.int().nullable().describe('null while read receipts are off on either side, or one blocks the other.'),
    delivered_seq: z.int(),
  })
  .meta({ id: 'ThreadParticipant' });

const sharedThread = {
  id: z.uuid(),
  rev: z.int().describe('Rises by exactly 1 with every durable change that the participants share.'),
  post: z.object({
    id: z.uuid(),
    title: z.string(),
    part_number: z.string().nullable(),
    price: z.string().nullable(),
    currency: z.string().nullable(),
    status: z.string().meta({ example: 'published' }),
    thumb_url: z.string().nullable(),
  }),
  last_seq: z.int(),
  last_message: Preview.nullable(),
  locked: z.boolean().describe('Nobody may write any more.'),
  participants: z.array(ThreadParticipant),
  created_at: moment,
  updated_at: moment,
};

/** What a push says of a thread: the same bytes for every participant, so nothing of one alone. */
export const SharedThread = z.object(sharedThread).meta({ id: 'SharedThread' });
export type SharedThread = z.output<typeof SharedThread>;

export const Me = z
  .object({
    rev: z.int().describe('Rises by 1 with every change of what only this user sees.'),
    side: Side,
    read_seq: z.int(),
    unread: z.int().describe('last_seq − read_seq'),
    marked_unread: z.boolean(),
    muted_until: moment.nullable(),
    archived: z.boolean(),
  })
  .meta({ id: 'ThreadMe' });
export type Me = z.output<typeof Me>;

export const Thread = z.object({ ...sharedThread, me: Me }).meta({ id: 'Thread' });
export type Thread = z.output<typeof Thread>;

export const Unread = UnreadCounts.describe('Of all threads that are not archived.');
export type Unread = z.output<typeof Unread>;
