// Baseline: what the database alone can do. The rows of a chat (message, thread, notification) are committed by two plain `pg`
// connections in batches of as many as Parthub would gather; nobody asked for them, and nobody is told.
// Argument: the file of `seed:load`; stdin: JSON of `Load`; prints what bench/chat/load.ts prints.
import { randomUUID, randomUUIDv7 } from 'node:crypto';
import { json } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { type Load, nothingMeasured, sampleText } from '../chat/measured.ts';
import { measureWindow } from '../support/window.ts';
import { createTables, fillThreads } from './tables.ts';

const MAX_BATCH = 256;
const CONNECTIONS = 2;

const load = (await json(process.stdin)) as Load;
const pool = new pg.Pool({ connectionString: load.url, max: CONNECTIONS });
await createTables(pool);
await fillThreads(pool, process.argv[2]!);

/** Numbers the messages of each thread in the order in which they are given. */
const statement = `
  with given as (
    select *, row_number() over (partition by thread_id order by n) as place from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[])
      with ordinality as one (id, thread_id, sender_id, client_id, n)
  ), counted as (
    select thread_id, count(*) as added from given group by thread_id
  ), moved as (
    update thread set last_seq = last_seq + added, last_message_at = $6 from counted where id = thread_id
    returning id, last_seq - added as before, seller_id, added
  ), stored as (
    insert into message (id, thread_id, seq, sender_id, client_id, text, created_at)
    select given.id, thread_id, before + place, sender_id, client_id, $5, $6 from given join moved on moved.id = thread_id
  )
  insert into notification (id, user_id, thread_id, count, body, updated_at)
  select gen_random_uuid(), seller_id, id, added, $5, $6 from moved
  on conflict (user_id, thread_id) where read_at is null
  do update set count = notification.count + excluded.count, body = excluded.body, updated_at = excluded.updated_at`;

const measured = nothingMeasured();
let isMeasuring = false;
let isOver = false;

/** Threads of its own, so that two never wait for each other's rows. */
async function keepCommitting(pairs: Load['pairs']): Promise<void> {
  const size = Math.min(MAX_BATCH, pairs.length * load.inFlight);
  for (let next = 0; !isOver; next += size) {
    const batch = Array.from({ length: size }, (_, n) => pairs[(next + n) % pairs.length]!);
    const began = performance.now();
    await pool.query({
      ...{ name: 'store', text: statement },
      values: [
        batch.map(() => randomUUIDv7()),
        batch.map(one => one.thread_id),
        batch.map(one => one.sender.user_id),
        batch.map(() => randomUUID()),
        ...[sampleText, new Date()],
      ],
    });
    if (!isMeasuring) continue;
    measured.messages += size;
    measured.ackMs.push(performance.now() - began);
  }
}

const shares = Array.from({ length: CONNECTIONS }, (_, n) => load.pairs.filter((_, at) => at % CONNECTIONS === n));
for (const share of shares) if (share.length > 0) void keepCommitting(share);
measured.seconds = await measureWindow(load, isOn => {
  isMeasuring = isOn;
});
isOver = true;
// its own CPU is read meanwhile
await pause(300);
process.stdout.write(`${JSON.stringify(measured)}\n`, () => process.exit(0));
