import { sql } from 'kysely';
import { z } from 'zod';
import { normalisePart } from '../../b2b/service/normalise.ts';
import { inAnyCase } from '../../common/any-case.ts';
import type { Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import type { Input, Output } from '../../common/operations.ts';
import { cutPage, readCursor, writeCursor } from '../../common/paging.ts';
import type { operations } from '../contract.ts';
import { reachThread } from '../policy.ts';
import { placeOfPart } from './part-numbers.ts';
import { type MessageRow, messageColumns, presentMessage } from './present.ts';

type Search = Input<typeof operations.searchMessages>;

const SNIPPET_BEFORE = 40;
const SNIPPET_LENGTH = 140;

/**
 * Finds messages of the caller's own threads by text, or by a part number in any spelling, newest first.
 * Throws not_found for a foreign thread, invalid_cursor.
 */
export async function searchMessages(ctx: Context, input: Search): Promise<Output<typeof operations.searchMessages>> {
  const { q, thread_id, limit } = input;
  if (thread_id !== undefined) await reachThread(ctx, thread_id);
  const scope = ['search', ctx.actor.userId, { q, thread_id }] as const;
  const before = readCursor(ctx, scope, input.cursor, z.uuid());
  const { page, last } = cutPage(await findMessages(ctx, input, before), limit);
  return {
    results: page.map(row => ({ message: presentMessage(row), snippet: snippetOf(row.text ?? '', q) })),
    next_cursor: last && writeCursor(ctx, scope, last.id),
  };
}

/** Own messages first, then the newest of them: by the other way round a rare word reads everybody's messages. */
function findMessages(ctx: Context, { q, thread_id, limit }: Search, before: string | null): Promise<MessageRow[]> {
  const part = normalisePart(q);
  const isPart = part.length >= 4 && /\d/.test(part);
  return rows<MessageRow>(
    ctx.em,
    sql`with own as materialized (
          select m.* from participants me join messages m on m.thread_id = me.thread_id
          where me.user_id = ${ctx.actor.userId} and me.removed_at is null and m.type = 'text'
            and (${thread_id ?? null}::uuid is null or m.thread_id = ${thread_id ?? null}::uuid)
            and (m.text ~ ${inAnyCase(q)} or ${isPart} and m.part_numbers @> ${[part]}::text[])
            and (${before}::uuid is null or m.id < ${before})
        )
        select ${messageColumns} from (select * from own order by id desc limit ${limit + 1}) m
        left join messages r on r.id = m.reply_to_id order by m.id desc`,
  );
}

/** The text around the first hit; a part number may be spelled otherwise there. */
function snippetOf(text: string, q: string): string {
  const points = [...text];
  const said = text.search(new RegExp(inAnyCase(q), 'u'));
  const hit = [...text.slice(0, Math.max(0, said < 0 ? placeOfPart(text, normalisePart(q)) : said))].length;
  const from = Math.max(0, hit - SNIPPET_BEFORE);
  const to = from + SNIPPET_LENGTH;
  return `${from > 0 ? '…' : ''}${points.slice(from, to).join('')}${to < points.length ? '…' : ''}`;
}
