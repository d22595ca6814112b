import { hash } from 'node:crypto';
import { hexArray, intArray, momentArray, textArray, uuidArray } from '../../common/binary-arrays.ts';
import type { Call, SharedContext } from '../../common/context.ts';
import { newId } from '../../common/ids.ts';
import { runStatement } from '../../common/statements.ts';
import type { SendMessage } from '../contract/messages.ts';
import type { Attachment, Message, Preview } from '../contract/shapes.ts';
import { whenStored } from '../contract.ts';
import { sendOneStatement, sendStatement } from './message-statement.ts';
import { partNumbersOf } from './part-numbers.ts';
import { endsOf, otherOf, type Placed, placeDrafts } from './placed-drafts.ts';

/** A message that waits to be stored. */
export interface Draft {
  id: string;
  call: Call<SendMessage>;
  /** In hexadecimal digits. */
  contentHash: string;
  attachments: Attachment[];
  partNumbers: string[];
}

/** What has become of a draft. */
export interface Written {
  /** Why it may not be stored. */
  refusal: Refusal | null;
  /** The message that the sender stored under this `client_id` before. */
  known_id: string | null;
  /** In hexadecimal digits. */
  known_hash: string | null;
  /** The entry of the thread as which it was stored, if neither is the case. */
  seq: number;
  rev: number;
  recipient_id: string | null;
  reply_to: Preview | null;
}

type Refusal = 'not_found' | 'thread_locked' | 'recipient_unavailable';

/** What the statement answers; `nth` counts the drafts from 1. */
interface Found {
  is_stored: boolean;
  /** By the last draft of whoever sends in a thread. */
  turns: [nth: number, Refusal | null, recipientId: string | null, base_seq: number, base_rev: number][];
  remarks: Remark[] | null;
  /** What each part of the statement did. */
  parts: unknown[];
}

interface StoredOne extends Pick<Written, 'seq' | 'rev' | 'recipient_id'> {
  parts: unknown[];
}

interface Remark extends Pick<Written, 'known_id' | 'known_hash' | 'reply_to'> {
  nth: number;
  /** The message that it replies to is not one of its thread. */
  is_reply_lost: boolean;
}

/** Of what was first sent, the thread included: tells a retry from another message under the same id (G2). */
export function contentHashOf({ thread_id, text, attachments, reply_to }: SendMessage): string {
  const content = JSON.stringify([thread_id, text ?? null, attachments ?? [], reply_to ?? null]);
  return hash('sha256', content, 'hex').slice(0, 32);
}

export function draftOf(call: Call<SendMessage>): Draft {
  return {
    id: newId(),
    call,
    contentHash: contentHashOf(call.input),
    attachments: [],
    partNumbers: partNumbersOf(call.input.text),
  };
}

/**
 * Stores the drafts, and answers each at its place; what the other modules did about it is announced. What may be stored is so
 * by one statement: as long as one of them may not, it is answered and left out.
 */
export async function writeMessages(ctx: SharedContext, drafts: readonly Draft[]): Promise<Written[]> {
  const alone = drafts.length === 1 ? await tryWritingOne(ctx, drafts[0]!) : null;
  if (alone) return [alone];
  const written = new Map<Draft, Written>();
  for (let left = drafts; left.length > 0; left = left.filter(one => !written.has(one))) {
    const placed = placeDrafts(left);
    const answers = [...answersOf(placed, await tryWriting(ctx, placed))];
    if (answers.length === 0) throw new Error('Drafts were neither stored nor refused');
    for (const [draft, answer] of answers) written.set(draft, answer);
  }
  return drafts.map(draft => written.get(draft)!);
}

async function tryWriting(ctx: SharedContext, placed: readonly Placed[]): Promise<Found> {
  const [found] = await runStatement<Found>(ctx.em, sendStatement(ctx.parts(whenStored)), valuesOf(placed, ctx.now));
  announceParts(ctx, found!.parts);
  return found!;
}

/** Null, and nothing written: it replies, may not be stored or was before. */
async function tryWritingOne(ctx: SharedContext, draft: Draft): Promise<Written | null> {
  if (draft.call.input.reply_to) return null;
  const [stored] = await runStatement<StoredOne>(
    ctx.em,
    sendOneStatement(ctx.parts(whenStored)),
    valuesOfOne(draft, ctx.now),
  );
  if (!stored) return null;
  announceParts(ctx, stored.parts);
  const { seq, rev, recipient_id } = stored;
  return { refusal: null, known_id: null, known_hash: null, seq, rev, recipient_id, reply_to: null };
}

function announceParts(ctx: SharedContext, values: readonly unknown[]): void {
  for (const [index, part] of ctx.parts(whenStored).entries()) {
    const value = values[index];
    if (value != null) ctx.emit(part.fact, value);
  }
}

/** Of all drafts if they are stored, else of those that kept them from it. */
function* answersOf(placed: readonly Placed[], { is_stored, turns, remarks }: Found): Generator<[Draft, Written]> {
  const byTurn = new Map(turns.map(([nth, ...found]) => [placed[nth - 1]!.turn, found]));
  const remarked = new Map(remarks?.map(one => [one.nth, one]));
  for (const [index, { draft, place, turn }] of placed.entries()) {
    const [refusal, recipient_id, base_seq, base_rev] = byTurn.get(turn)!;
    const { known_id = null, known_hash = null, reply_to = null, is_reply_lost } = remarked.get(index + 1) ?? {};
    const isKnown = known_id !== null && refusal !== 'not_found';
    const why = isKnown ? null : (refusal ?? (is_reply_lost ? 'not_found' : null));
    if (!is_stored && !isKnown && why === null) continue;
    const entry = { seq: base_seq + place, rev: base_rev + place };
    yield [draft, { refusal: why, known_id, known_hash, ...entry, recipient_id, reply_to }];
  }
}

function valuesOf(placed: readonly Placed[], now: Date): unknown[] {
  const list = <Value>(read: (draft: Draft) => Value) => placed.map(one => read(one.draft));
  return [
    now.toISOString(),
    uuidArray(list(one => one.id)),
    uuidArray(list(one => one.call.input.thread_id)),
    uuidArray(list(one => one.call.actor.userId)),
    uuidArray(list(one => one.call.input.client_id)),
    hexArray(list(one => one.contentHash)),
    textArray(list(one => one.call.input.text ?? null)),
    uuidArray(list(one => one.call.input.reply_to ?? null)),
    list(attachmentsOf),
    textArray(list(joinedPartNumbers)),
    momentArray(list(one => one.call.now)),
    intArray(placed.map(one => one.place)),
    intArray(placed.map(endsOf)),
    uuidArray(placed.map(one => otherOf(one)?.senderId ?? null)),
    intArray(placed.map(one => otherOf(one)?.lastPlace ?? 0)),
    momentArray(placed.map(one => one.turn.thread.latestAt)),
  ];
}

function valuesOfOne(draft: Draft, now: Date): unknown[] {
  const { input, actor } = draft.call;
  return [
    now.toISOString(),
    input.thread_id,
    actor.userId,
    draft.id,
    input.client_id,
    Buffer.from(draft.contentHash, 'hex'),
    input.text ?? null,
    attachmentsOf(draft),
    joinedPartNumbers(draft),
    draft.call.now.toISOString(),
  ];
}

const attachmentsOf = ({ attachments }: Draft) => (attachments.length > 0 ? JSON.stringify(attachments) : null);
const joinedPartNumbers = ({ partNumbers }: Draft) => (partNumbers.length > 0 ? partNumbers.join(' ') : null);

/** The message as it was just stored. */
export function presentDraft({ id, call, attachments, partNumbers }: Draft, written: Written): Message {
  const { input, actor, now } = call;
  return {
    id,
    thread_id: input.thread_id,
    seq: written.seq,
    rev: written.rev,
    client_id: input.client_id,
    sender: { id: actor.userId, kind: 'user' },
    type: 'text',
    text: input.text ?? null,
    attachments,
    reply_to: written.reply_to,
    reactions: [],
    part_numbers: partNumbers,
    created_at: now.toISOString(),
    edited_at: null,
    deleted_at: null,
  };
}
