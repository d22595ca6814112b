import { sql } from 'kysely';
import { audit } from '../../accounts/service/audit.ts';
import { ensureStaff } from '../../accounts/service/staff-actions.ts';
import type { Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import { newId } from '../../common/ids.ts';
import type { Input, Output } from '../../common/operations.ts';
import type { BannedWord as BannedWordView } from '../contract/moderation.ts';
import type { operations } from '../contract.ts';
import { BannedWord, type Post } from '../entities.ts';
import { normaliseText } from './normalise.ts';

/** Words of a text in the form in which all their spellings are one, a blank around each. */
function wordsOf(text: string): string {
  return ` ${(normaliseText(text).match(/[\p{L}\p{N}]+/gu) ?? []).join(' ')} `;
}

/** Everything that its author has written freely, by field. */
const textsOf = ({ title, body, brand, city, partNumber, oemNumbers, fitments }: Post) => ({
  ...{ title: [title], body: [body], brand: [brand], city: [city], part_number: [partNumber], oem_numbers: oemNumbers },
  fitments: fitments.flatMap(({ make, model, engine }) => [make, model, engine]),
});

/** Refuses a post that holds a banned word, in whatever script it is written. Throws content_rejected. */
export async function ensureAllowed({ em }: Pick<Context, 'em'>, post: Post): Promise<void> {
  const banned = await rows<{ word: string }>(em, sql`select word from banned_words`);
  if (banned.length === 0) return;
  const isIn =
    (words: string) =>
    ({ word }: { word: string }) =>
      words.includes(word.endsWith('*') ? ` ${word.slice(0, -1)}` : ` ${word} `);
  const wrong = Object.entries(textsOf(post))
    .filter(([, texts]) => texts.some(text => text != null && banned.some(isIn(wordsOf(text)))))
    .map(([path]) => ({ path, code: 'banned_word' }));
  if (wrong.length > 0) throw new AppError('content_rejected', { fields: wrong });
}

/** Bans a word or phrase; one that is banned already stays as it is. Throws permission_denied, validation_failed. */
export async function addBannedWord(
  ctx: Context,
  input: Input<typeof operations.addBannedWord>,
): Promise<BannedWordView> {
  ensureStaff(ctx.actor, ['moderator']);
  const word = wordsOf(input.word).trim() + (input.word.endsWith('*') ? '*' : '');
  if (word.replace('*', '').length < 2)
    throw new AppError('validation_failed', { fields: [{ path: 'word', code: 'too_small' }] });
  const [added] = await rows<BannedWordView>(
    ctx.em,
    sql`insert into banned_words (id, word, created_at) values (${newId()}, ${word}, ${ctx.now})
        on conflict (word) do nothing returning id, word`,
  );
  if (!added) return ctx.em.findOneOrFail(BannedWord, { word }).then(known => ({ id: known.id, word }));
  audit(ctx, { action: 'create', resource: 'banned-words', objectId: added.id, after: { word }, reason: input.reason });
  await ctx.em.flush();
  return added;
}

/** Allows a word again; for moderators. Throws permission_denied, not_found. */
export async function removeBannedWord(
  ctx: Context,
  { word_id, reason }: Input<typeof operations.removeBannedWord>,
): Promise<Output<typeof operations.removeBannedWord>> {
  ensureStaff(ctx.actor, ['moderator']);
  const [removed] = await rows<{ word: string }>(
    ctx.em,
    sql`delete from banned_words where id = ${word_id} returning word`,
  );
  if (!removed) throw new AppError('not_found');
  audit(ctx, { action: 'delete', resource: 'banned-words', objectId: word_id, before: { word: removed.word }, reason });
  await ctx.em.flush();
  return {};
}
