import { hash } from 'node:crypto';
import { hexArray, momentArray, textArray, uuidArray } from '../../common/binary-arrays.ts';
import type { Call, SharedContext } from '../../common/context.ts';
import { newId } from '../../common/ids.ts';
import { runStatement } from '../../common/statements.ts';
import type { SendMessage } from '../contract/messages.ts';
import type { Attachment, Message, Preview } from '../contract/shapes.ts';
import { whenStored } from '../contract.ts';
import { sendStatement } from './message-statement.ts';
import { partNumbersOf } from './part-numbers.ts';

/** A message that waits to be stored. */
export interface Draft {
  id: string;
  call: Call<SendMessage>;
  /** In hexadecimal digits. */
  contentHash: string;
  attachments: Attachment[];
  partNumbers: string[];
}

/** What the database found and did with a draft. */
export interface Written {
  /** Why it may not be stored. */
  refusal: 'not_found' | 'thread_locked' | 'recipient_unavailable' | null;
  /** The message that the sender stored under this `client_id` before. */
  known_id: string | null;
  known_hash: Buffer | null;
  /** The entry of the thread as which it was stored, if neither is the case. */
  seq: number;
  rev: number;
  recipient_id: string | null;
  reply_to: Preview | null;
  /** Of the draft, from 1. */
  place: number;
  /** Of the first draft: what each part of the statement did. */
  parts: unknown[] | null;
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

/** Stores the drafts, and answers each at its place; what the other modules did about it is announced. */
export async function writeMessages(ctx: SharedContext, drafts: readonly Draft[]): Promise<Written[]> {
  const parts = ctx.parts(whenStored);
  const found = await runStatement<Written>(ctx.em, sendStatement(parts), valuesOf(drafts, ctx.now));
  const written: Written[] = [];
  for (const one of found) written[one.place - 1] = one;
  for (const [index, part] of parts.entries()) {
    const value = written[0]?.parts?.[index];
    if (value != null) ctx.emit(part.fact, value);
  }
  return written;
}

function valuesOf(drafts: readonly Draft[], now: Date): unknown[] {
  const list = <Value>(read: (draft: Draft) => Value) => drafts.map(read);
  return [
    uuidArray(list(one => one.id)),
    uuidArray(list(one => one.call.input.thread_id)),
    uuidArray(list(one => one.call.actor.userId)),
    uuidArray(list(one => one.call.input.client_id)),
    hexArray(list(one => one.contentHash)),
    textArray(list(one => one.call.input.text ?? null)),
    uuidArray(list(one => one.call.input.reply_to ?? null)),
    list(one => (one.attachments.length > 0 ? JSON.stringify(one.attachments) : null)),
    textArray(list(one => (one.partNumbers.length > 0 ? one.partNumbers.join(' ') : null))),
    momentArray(list(one => one.call.now)),
    now.toISOString(),
  ];
}

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
