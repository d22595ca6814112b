import type { SharedContext } from '../../common/context.ts';
import { AppError } from '../../common/errors.ts';
import type { Draft } from './message-writer.ts';

/** Gives the drafts the uploads they name; answers why a draft may not be stored. */
export async function attachUploads(_ctx: SharedContext, drafts: readonly Draft[]): Promise<Map<Draft, AppError>> {
  const withUploads = drafts.filter(draft => draft.call.input.attachments?.length);
  return new Map(withUploads.map(draft => [draft, new AppError('not_found')]));
}
