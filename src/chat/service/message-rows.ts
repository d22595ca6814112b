import { sql } from 'kysely';
import type { SharedContext } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import type { Message } from '../contract/shapes.ts';
import { type MessageRow, messageColumns, presentMessage } from './present.ts';

type Reader = Pick<SharedContext, 'em'>;

/** Messages by id. */
export async function loadMessages(ctx: Reader, ids: readonly string[]): Promise<ReadonlyMap<string, Message>> {
  if (ids.length === 0) return new Map();
  const found = await rows<MessageRow>(
    ctx.em,
    sql`select ${messageColumns} from messages m left join messages r on r.id = m.reply_to_id
        where m.id = any(${ids}::uuid[])`,
  );
  return new Map(found.map(row => [row.id, presentMessage(row)]));
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
