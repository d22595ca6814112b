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
 * Answers every caller: a view, or not_found, thread_locked, recipient_unavailable, idempotency_conflict.
 */
export async function sendMessages(ctx: SharedContext, calls: Call<SendMessage>[]): Promise<Answer<Sent>[]> {
  const { drafts, places } = draftsOf(calls);
  const answers = await storeDrafts(ctx, drafts);
  return calls.map((call, index) => answerOf(call, drafts[places[index]!]!, answers[places[index]!]!));
}

/** A draft for each message, and the place of each call's own; a second call with the same id has that of the first. */
function draftsOf(calls: readonly Call<SendMessage>[]): { drafts: Draft[]; places: number[] } {
  const drafts: Draft[] = [];
  const byClientId = new Map<string, number>();
  const places = calls.map(call => {
    const known = byClientId.get(call.input.client_id);
    if (known !== undefined && drafts[known]!.call.actor.userId === call.actor.userId) return known;
    const place = drafts.push(draftOf(call)) - 1;
    // Two senders with one id between them: should a call of theirs come twice in this batch, it is stored call by call.
    byClientId.set(call.input.client_id, place);
    return place;
  });
  return { drafts, places };
}

/** Answers each draft at its place. */
async function storeDrafts(ctx: SharedContext, drafts: readonly Draft[]): Promise<Answer<Sent>[]> {
  const refused = await attachUploads(ctx, drafts);
  const writable = refused.size === 0 ? drafts : drafts.filter(draft => !refused.has(draft));
  const written = await writeMessages(ctx, writable);
  const known = await loadKnown(
    ctx,
    written.flatMap(one => one.known_id ?? []),
  );
  const settled = writable.map((draft, index) => settle(ctx, draft, written[index]!, known));
  await leaveUploads(
    ctx,
    writable.filter((_draft, index) => written[index]!.refusal !== null),
  );
  return refused.size === 0 ? settled : drafts.map(draft => refused.get(draft) ?? settled.shift()!);
}

/** A second call with the same id in one batch is a repeat of the first one. */
function answerOf(call: Call<SendMessage>, draft: Draft, answer: Answer<Sent>): Answer<Sent> {
  if (call === draft.call || answer instanceof AppError) return answer;
  if (contentHashOf(call.input) !== draft.contentHash) return new AppError('idempotency_conflict');
  return { ...answer, duplicate: true };
}

function settle(
  ctx: SharedContext,
  draft: Draft,
  written: Written,
  known: ReadonlyMap<string, KnownMessage>,
): Answer<Sent> {
  if (written.refusal) return new AppError(written.refusal);
  if (written.known_id !== null) return repeat(ctx, draft, written, known.get(written.known_id)!);
  const message = presentDraft(draft, { ...written, reply_to: presentPreview(written.reply_to) });
  announce(ctx, message, written);
  return { message, duplicate: false };
}

function repeat(ctx: SharedContext, draft: Draft, written: Written, { message, at }: KnownMessage): Answer<Sent> {
  if (draft.contentHash !== written.known_hash) return new AppError('idempotency_conflict');
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
