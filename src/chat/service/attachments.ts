import type { SharedContext } from '../../common/context.ts';
import { AppError } from '../../common/errors.ts';
import { attachUploads as claimUploads, releaseUploads } from '../../uploads/service.ts';
import type { Draft } from './message-writer.ts';

/** The same for every retry of a message, so that a retry finds its images taken by itself. */
const targetOf = ({ call }: Draft): string => `msg:${call.actor.userId}:${call.input.client_id}`;
const hasUploads = ({ call }: Draft): boolean => (call.input.attachments?.length ?? 0) > 0;

/** Gives the drafts the uploads they name; answers why a draft may not be stored. */
export async function attachUploads(ctx: SharedContext, drafts: readonly Draft[]): Promise<Map<Draft, AppError>> {
  const refused = new Map<Draft, AppError>();
  for (const draft of drafts.filter(hasUploads)) {
    const { actor, input } = draft.call;
    const claim = { ownerId: actor.userId, ids: input.attachments!, purpose: 'chat' as const, target: targetOf(draft) };
    const images = await claimUploads(ctx, claim);
    if (images) draft.attachments = images;
    else refused.set(draft, new AppError('not_found'));
  }
  return refused;
}

/** Drafts that were not stored leave their images free for another message. */
export async function leaveUploads(ctx: SharedContext, drafts: readonly Draft[]): Promise<void> {
  await releaseUploads(ctx, drafts.filter(hasUploads).map(targetOf));
}
