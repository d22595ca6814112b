import { sql } from 'kysely';
import type { SharedContext } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import type { Message } from '../contract/shapes.ts';
import { iso, type MessageRow, messageColumns, presentMessage } from './present.ts';

type Reader = Pick<SharedContext, 'em'>;

/** A message, and when it got its `rev`. */
export interface KnownMessage {
  message: Message;
  at: string;
}

/** Messages by id, with the moment of their last change. */
export async function loadKnown(ctx: Reader, ids: readonly string[]): Promise<ReadonlyMap<string, KnownMessage>> {
  if (ids.length === 0) return new Map();
  const found = await rows<MessageRow>(
    ctx.em,
    sql`select ${messageColumns} from messages m left join messages r on r.id = m.reply_to_id
        where m.id = any(${ids}::uuid[])`,
  );
  return new Map(
    found.map(row => [row.id, { message: presentMessage(row), at: iso(row.changed_at ?? row.created_at) }]),
  );
}

/** A message by id, whoever may see it. */
export async function loadMessage(ctx: Reader, id: string): Promise<Message | undefined> {
  return (await loadKnown(ctx, [id])).get(id)?.message;
}

/** The messages of a thread from one position to another, both included, ascending. */
export async function loadRange(ctx: Reader, threadId: string, from: number, to: number): Promise<Message[]> {
  const found = await rows<MessageRow>(
    ctx.em,
    sql`select ${messageColumns} from messages m left join messages r on r.id = m.reply_to_id
        where m.thread_id = ${threadId} and m.seq between ${from} and ${to} order by m.seq`,
  );
  return found.map(presentMessage);
}
