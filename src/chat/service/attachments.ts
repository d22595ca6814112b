import { sql } from 'kysely';
import type { SharedContext } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import { attachUploads as claimUploads, releaseUploads } from '../../uploads/service.ts';
import type { Draft } from './message-writer.ts';

/** The same for every retry of a message, so that a retry finds its images taken by itself. */
const targetOfSent = (senderId: string, clientId: string): string => `msg:${senderId}:${clientId}`;
const targetOf = ({ call }: Draft): string => targetOfSent(call.actor.userId, call.input.client_id);
const hasUploads = ({ call }: Draft): boolean => (call.input.attachments?.length ?? 0) > 0;

/** Gives the drafts the uploads they name; answers why a draft may not be stored. */
export async function attachUploads(ctx: SharedContext, drafts: readonly Draft[]): Promise<Map<Draft, AppError>> {
  const refused = new Map<Draft, AppError>();
  for (const draft of drafts.filter(hasUploads)) {
    // A retry is answered, whatever has become of its images (G2); what else it names stays free.
    if (await isStored(ctx, draft)) continue;
    const { actor, input } = draft.call;
    const claim = { ownerId: actor.userId, ids: input.attachments!, purpose: 'chat' as const, target: targetOf(draft) };
    const images = await claimUploads(ctx, claim);
    if (images) draft.attachments = images;
    else refused.set(draft, new AppError('not_found'));
  }
  return refused;
}

async function isStored({ em }: SharedContext, { call }: Draft): Promise<boolean> {
  const { actor, input } = call;
  const known = sql`select 1 as is_known from messages where sender_id = ${actor.userId} and client_id = ${input.client_id}`;
  return (await rows(em, known)).length > 0;
}

/** Drafts that were not stored leave their images free for another message. */
export async function leaveUploads(ctx: SharedContext, drafts: readonly Draft[]): Promise<void> {
  await releaseUploads(ctx, drafts.filter(draft => draft.attachments.length > 0).map(targetOf));
}

/** Images of deleted messages are shown by nothing any more, unless a report that is not closed has a copy of the message. */
export async function releaseDeleted(ctx: Pick<SharedContext, 'em'>, messageIds: readonly string[]): Promise<void> {
  const copied = sql`jsonb_build_array(jsonb_build_object('id', m.id))`;
  const deleted = await rows<{ sender_id: string; client_id: string }>(
    ctx.em,
    sql`select m.sender_id, m.client_id from messages m
        where m.id = any(${messageIds}::uuid[]) and m.type = 'deleted' and not exists (
          select from reports r where r.status in ('open', 'assigned') and r.thread_id = m.thread_id
            and (r.copy->'around' @> ${copied} or r.copy->'messages' @> ${copied}))`,
  );
  await releaseUploads(
    ctx,
    deleted.map(one => targetOfSent(one.sender_id, one.client_id)),
  );
}
