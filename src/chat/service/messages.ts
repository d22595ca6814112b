import type { Answer, Call, SharedContext } from '../../common/context.ts';
import { AppError } from '../../common/errors.ts';
import type { Output } from '../../common/operations.ts';
import type { SendMessage } from '../contract/messages.ts';
import type { Message } from '../contract/shapes.ts';
import { events, facts, type operations } from '../contract.ts';
import { attachUploads, leaveUploads } from './attachments.ts';
import { type KnownMessage, loadKnown } from './message-rows.ts';
import { contentHashOf, type Draft, draftOf, presentDraft, type Written, writeMessages } from './message-writer.ts';
import { presentPreview } from './present.ts';

type Sent = Output<typeof operations.sendMessage>;

/**
 * Stores the messages that wait, numbers them per thread, and announces each to its thread's participants.
 * A retry with a known (sender, client_id) stores and notifies nothing: it gets the stored message back, which is pushed
 * once more (G2).
 * Answers every caller: a view, or not_found, thread_locked, recipient_unavailable, idempotency_conflict,
 * attachment_not_ready.
 */
export async function sendMessages(ctx: SharedContext, calls: Call<SendMessage>[]): Promise<Answer<Sent>[]> {
  const drafts = new Map<string, Draft>();
  for (const call of calls) if (!drafts.has(keyOf(call))) drafts.set(keyOf(call), draftOf(call));
  const answers = await storeDrafts(ctx, [...drafts.values()]);
  return calls.map(call => answerOf(call, drafts.get(keyOf(call))!, answers));
}

const keyOf = ({ actor, input }: Call<SendMessage>): string => `${actor.userId} ${input.client_id}`;

async function storeDrafts(ctx: SharedContext, drafts: Draft[]): Promise<Map<Draft, Answer<Sent>>> {
  const refused = await attachUploads(ctx, drafts);
  const writable = drafts.filter(draft => !refused.has(draft));
  const written = await writeMessages(ctx, writable);
  const known = await loadKnown(
    ctx,
    written.flatMap(one => one.known_id ?? []),
  );
  const settled = writable.map((draft, index) => [draft, settle(ctx, draft, written[index]!, known)] as const);
  const unwritten = settled.filter(([, answer]) => answer instanceof AppError).map(([draft]) => draft);
  await leaveUploads(
    ctx,
    unwritten.filter(draft => written[writable.indexOf(draft)]!.known_id === null),
  );
  return new Map<Draft, Answer<Sent>>([...refused, ...settled]);
}

/** A second call with the same id in one batch is a repeat of the first one. */
function answerOf(call: Call<SendMessage>, draft: Draft, answers: ReadonlyMap<Draft, Answer<Sent>>): Answer<Sent> {
  const answer = answers.get(draft)!;
  if (call === draft.call || answer instanceof AppError) return answer;
  if (!contentHashOf(call.input).equals(draft.contentHash)) return new AppError('idempotency_conflict');
  return { ...answer, duplicate: true };
}

function settle(
  ctx: SharedContext,
  draft: Draft,
  written: Written,
  known: ReadonlyMap<string, KnownMessage>,
): Answer<Sent> {
  if (!written.is_participant) return new AppError('not_found');
  if (written.known_id !== null) return repeat(ctx, draft, written, known.get(written.known_id)!);
  if (written.is_locked) return new AppError('thread_locked');
  if (written.is_unavailable) return new AppError('recipient_unavailable');
  if (!written.has_reply_target) return new AppError('not_found');
  const message = presentDraft(draft, { ...written, reply_to: presentPreview(written.reply_to) });
  announce(ctx, message, written);
  return { message, duplicate: false };
}

function repeat(ctx: SharedContext, draft: Draft, written: Written, { message, at }: KnownMessage): Answer<Sent> {
  if (!draft.contentHash.equals(written.known_hash!)) return new AppError('idempotency_conflict');
  push(ctx, message, at, written);
  return { message, duplicate: true };
}

function announce(ctx: SharedContext, message: Message, written: Written): void {
  push(ctx, message, message.created_at, written);
  ctx.emit(facts.messageStored, { message, recipientIds: written.recipient_id === null ? [] : [written.recipient_id] });
}

function push(ctx: SharedContext, message: Message, at: string, { recipient_id }: Written): void {
  const senderId = message.sender.id!;
  ctx.emit(
    events.messageCreated,
    { thread_id: message.thread_id, rev: message.rev, at, message },
    { to: recipient_id === null ? [senderId] : [senderId, recipient_id] },
  );
}
