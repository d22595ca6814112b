// Baseline (c): the same rows with plain `pg`, one SQL statement per message.
// Arguments: the file of `seed:load`; the name under which the statement is prepared, else it is planned each time, as `pg` does
// by itself.
import { randomUUIDv7 } from 'node:crypto';
import pg from 'pg';
import { listen, tellBoth } from './door.ts';
import { createTables, fillThreads } from './tables.ts';

const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 10 });
pool.on('error', () => {});
await createTables(pool);
await fillThreads(pool, process.argv[2]!);

const statement = `
  with moved as (
    update thread set last_seq = last_seq + 1, last_message_at = $6 where id = $2 and $3 in (buyer_id, seller_id)
    returning last_seq, case when buyer_id = $3 then seller_id else buyer_id end as recipient_id
  ), stored as (
    insert into message (id, thread_id, seq, sender_id, client_id, text, created_at)
    select $1, $2, last_seq, $3, $4, $5, $6 from moved
  ), noted as (
    insert into notification (id, user_id, thread_id, body, updated_at) select $7, recipient_id, $2, $5, $6 from moved
    on conflict (user_id, thread_id) where read_at is null
    do update set count = notification.count + 1, body = excluded.body, updated_at = excluded.updated_at
  )
  select last_seq, recipient_id from moved`;

listen(async (io, userId, sent) => {
  const [id, now] = [randomUUIDv7(), new Date()];
  const values = [id, sent.thread_id, userId, sent.client_id, sent.text, now, randomUUIDv7()];
  const { rows } = await pool.query<{ last_seq: number; recipient_id: string }>({
    name: process.argv[3],
    text: statement,
    values,
  });
  if (rows.length === 0) throw new Error('not_found');
  const message = { id, ...sent, seq: rows[0]!.last_seq, sender_id: userId, created_at: now.toISOString() };
  tellBoth(io, [userId, rows[0]!.recipient_id], message);
  return { message };
});
