import type { Pool } from 'pg';
import { readThreads } from './threads.ts';

/** The tables of the baselines that write SQL themselves. */
export async function createTables(pool: Pool): Promise<void> {
  await pool.query(`
    create table if not exists thread (id uuid primary key, buyer_id uuid not null, seller_id uuid not null,
      last_seq int not null default 0, last_message_at timestamptz);
    create table if not exists message (id uuid primary key, thread_id uuid not null references thread, seq int not null,
      sender_id uuid not null, client_id uuid not null, text text not null, created_at timestamptz not null,
      unique (thread_id, seq), unique (sender_id, client_id));
    create table if not exists notification (id uuid primary key, user_id uuid not null, thread_id uuid not null references thread,
      count int not null default 1, body text not null, read_at timestamptz, updated_at timestamptz not null);
    create unique index if not exists one_unread on notification (user_id, thread_id) where read_at is null;`);
}

export async function fillThreads(pool: Pool, seedFile: string): Promise<void> {
  const threads = [...readThreads(seedFile).values()];
  await pool.query(
    `insert into thread (id, buyer_id, seller_id) select * from unnest($1::uuid[], $2::uuid[], $3::uuid[]) on conflict do nothing`,
    [threads.map(one => one.thread_id), threads.map(one => one.buyer_id), threads.map(one => one.seller_id)],
  );
}
