import { sql } from 'kysely';
import { audit } from '../../accounts/service/audit.ts';
import { ensureStaff } from '../../accounts/service/staff-actions.ts';
import type { Context } from '../../common/context.ts';
import { lockName, rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import { newId } from '../../common/ids.ts';
import type { Input, Output } from '../../common/operations.ts';
import type { BannedWord as BannedWordView } from '../contract/moderation.ts';
import type { operations } from '../contract.ts';
import type { Post } from '../entities.ts';
import { type Spelled, spell } from './normalise.ts';

interface Phrase {
  words: Spelled[];
  /** It stands for every ending of its last word. */
  isOpen: boolean;
}

const phraseOf = (word: string): Phrase => ({ words: spell(word), isOpen: word.endsWith('*') });

/** In its own script: from another one its spellings could not be told any more. */
const storedForm = ({ words, isOpen }: Phrase): string => words.map(({ word }) => word).join(' ') + (isOpen ? '*' : '');

/** The same for one phrase in any script. */
const keyOf = ({ words, isOpen }: Phrase): string => words.map(({ forms }) => forms[0]).join(' ') + (isOpen ? '*' : '');

/** Whether a text holds a phrase: each of its words in any of its forms, one after the other. */
function holds(text: readonly Spelled[], { words, isOpen }: Phrase): boolean {
  const isWord = (spelled: Spelled | undefined, banned: Spelled, isBegun: boolean): boolean =>
    spelled?.forms.some(form => banned.forms.some(one => (isBegun ? form.startsWith(one) : form === one))) ?? false;
  return text.some((_, at) =>
    words.every((word, index) => isWord(text[at + index], word, isOpen && index === words.length - 1)),
  );
}

/** Everything that its author has written freely, by field. */
const textsOf = ({ title, body, brand, city, partNumber, oemNumbers, fitments }: Post) => ({
  ...{ title: [title], body: [body], brand: [brand], city: [city], part_number: [partNumber], oem_numbers: oemNumbers },
  fitments: fitments.flatMap(({ make, model, engine }) => [make, model, engine]),
});

/** Refuses a post that holds a banned word, in whatever script it is written. Throws content_rejected. */
export async function ensureAllowed({ em }: Pick<Context, 'em'>, post: Post): Promise<void> {
  const banned = (await rows<{ word: string }>(em, sql`select word from banned_words`)).map(({ word }) =>
    phraseOf(word),
  );
  if (banned.length === 0) return;
  const isRefused = (text: string): boolean => {
    const words = spell(text);
    return banned.some(phrase => holds(words, phrase));
  };
  const wrong = Object.entries(textsOf(post))
    .filter(([, texts]) => texts.some(text => text != null && isRefused(text)))
    .map(([path]) => ({ path, code: 'banned_word' }));
  if (wrong.length > 0) throw new AppError('content_rejected', { fields: wrong });
}

/** What its column holds; one character may become several. */
const MOST_LETTERS = 60;

const wrongWord = (code: string) => new AppError('validation_failed', { fields: [{ path: 'word', code }] });

/** Bans a word or phrase; one that is banned already stays as it is. Throws permission_denied, validation_failed. */
export async function addBannedWord(
  ctx: Context,
  input: Input<typeof operations.addBannedWord>,
): Promise<BannedWordView> {
  ensureStaff(ctx.actor, ['moderator']);
  const phrase = phraseOf(input.word);
  const word = storedForm(phrase);
  if (word.replace('*', '').length < 2) throw wrongWord('too_small');
  if (word.length > MOST_LETTERS) throw wrongWord('too_big');
  await lockName(ctx.em, 'banned-words');
  const banned = await rows<BannedWordView>(ctx.em, sql`select id, word from banned_words`);
  const known = banned.find(one => keyOf(phraseOf(one.word)) === keyOf(phrase));
  if (known) return known;
  const added = { id: newId(), word };
  await rows(ctx.em, sql`insert into banned_words (id, word, created_at) values (${added.id}, ${word}, ${ctx.now})`);
  audit(ctx, { action: 'create', resource: 'banned-words', objectId: added.id, after: { word }, reason: input.reason });
  await ctx.em.flush();
  return added;
}

/** Allows a word again; for moderators. Throws permission_denied, not_found. */
export async function removeBannedWord(
  ctx: Context,
  { id, reason }: Input<typeof operations.removeBannedWord>,
): Promise<Output<typeof operations.removeBannedWord>> {
  ensureStaff(ctx.actor, ['moderator']);
  const [removed] = await rows<{ word: string }>(ctx.em, sql`delete from banned_words where id = ${id} returning word`);
  if (!removed) throw new AppError('not_found');
  audit(ctx, { action: 'delete', resource: 'banned-words', objectId: id, before: { word: removed.word }, reason });
  await ctx.em.flush();
  return {};
}
