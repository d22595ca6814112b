import { createHash } from 'node:crypto';
import { defineEntity, p } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { Context } from './context.ts';
import { type Orm, rows } from './database.ts';
import { AppError } from './errors.ts';
import { namedId } from './ids.ts';

const IdempotencyKeySchema = defineEntity({
  name: 'IdempotencyKey',
  tableName: 'idempotency_keys',
  properties: {
    userId: p.uuid().primary(),
    /** Method and path: the same key elsewhere is another one. */
    target: p.string().length(200).primary(),
    key: p.string().length(128).primary(),
    bodyHash: p.blob(),
    status: p.integer().nullable(),
    body: p.text().nullable(),
    headers: p.json<Record<string, string>>().nullable(),
    createdAt: p.datetime(3).index(),
  },
});
/** A POST that was sent with an Idempotency-Key, and what it was answered; kept for 24 hours. */
export class IdempotencyKey extends IdempotencyKeySchema.class {}
IdempotencyKeySchema.setClass(IdempotencyKey);

export interface StoredAnswer {
  status: number;
  body: string | null;
  headers: Record<string, string>;
}

export interface Attempt {
  userId: string;
  target: string;
  key: string;
  body: unknown;
  now: Date;
}

export interface Idempotency {
  /**
   * null: this is the first request with the key, go on and then `finish`. Else the answer that the first one got.
   * Throws idempotency_conflict (other body) and idempotency_in_progress.
   */
  begin(attempt: Attempt): Promise<StoredAnswer | null>;
  /** Keeps the answer; null lets the key be used again (nothing is known, or nothing was done), unless it was kept. */
  finish(attempt: Attempt, answer: StoredAnswer | null): Promise<void>;
  /**
   * Keeps the answer in the transaction of the work, so that both are stored or neither: what was answered as late before that
   * must not be stored beside a repeat. Throws unavailable where the key is free or a repeat's by now.
   */
  keep(em: EntityManager, attempt: Attempt, answer: StoredAnswer): Promise<void>;
}

const KEPT_HOURS = 24;
/** An instance that died meanwhile never finishes: after this time its key is free. */
const ABANDONED_SEC = 60;

interface KeyRow {
  body_hash: Buffer;
  status: number | null;
  body: string | null;
  headers: Record<string, string> | null;
}

/** `"key"` or `key`, 16 to 128 of `[A-Za-z0-9_-]`; throws validation_failed. */
export function readIdempotencyKey(header: string): string {
  const key = /^"?([A-Za-z0-9_-]{16,128})"?$/.exec(header)?.[1];
  if (!key) throw new AppError('validation_failed', { fields: [{ path: 'Idempotency-Key', code: 'invalid_format' }] });
  return key;
}

const hashOf = (body: unknown) =>
  createHash('sha256')
    .update(JSON.stringify(body ?? null))
    .digest();

/**
 * The id that a field of this attempt gets where the client sent none: the same for a repeat, which so finds what was stored
 * after all although it was answered that nobody knows. The content is a part of it, since a day later the key is a new one.
 */
export function idOf({ userId, target, key, body }: Attempt, field: string): string {
  return namedId(`attempt/${userId}/${target}/${key}/${hashOf(body).toString('hex')}/${field}`);
}

/** This attempt has the key, and no answer yet. */
const isOpen = ({ userId, target, key, now }: Attempt) =>
  sql`user_id = ${userId} and target = ${target} and key = ${key} and created_at = ${now} and status is null`;

/** One statement takes a key, so of parallel requests one runs (draft-ietf-httpapi-idempotency-key-header). */
export function createIdempotency(orm: Orm): Idempotency {
  const fork = () => orm.em.fork();

  /** Whether the key was still this attempt's. */
  async function store(em: EntityManager, attempt: Attempt, answer: StoredAnswer): Promise<boolean> {
    const { status, body, headers } = answer;
    const stored = await rows(
      em,
      sql`update idempotency_keys set status = ${status}, body = ${body}, headers = ${JSON.stringify(headers)}
          where ${isOpen(attempt)} returning 1`,
    );
    return stored.length > 0;
  }

  return {
    async begin({ userId, target, key, body, now }) {
      const oldest = new Date(now.getTime() - KEPT_HOURS * 3_600_000);
      const abandoned = new Date(now.getTime() - ABANDONED_SEC * 1_000);
      const taken = await rows(
        fork(),
        sql`insert into idempotency_keys as k (user_id, target, key, body_hash, created_at)
            values (${userId}, ${target}, ${key}, ${hashOf(body)}, ${now})
            on conflict (user_id, target, key) do update set body_hash = excluded.body_hash, status = null, body = null,
              headers = null, created_at = excluded.created_at
            where k.created_at <= ${oldest} or (k.status is null and k.created_at <= ${abandoned}) returning 1`,
      );
      if (taken.length > 0) return null;
      const [known] = await rows<KeyRow>(
        fork(),
        sql`select body_hash, status, body, headers from idempotency_keys
            where user_id = ${userId} and target = ${target} and key = ${key}`,
      );
      if (!known) throw new AppError('idempotency_in_progress', { retry_after_ms: 1_000 });
      if (!known.body_hash.equals(hashOf(body))) throw new AppError('idempotency_conflict');
      if (known.status === null) throw new AppError('idempotency_in_progress', { retry_after_ms: 1_000 });
      return { status: known.status, body: known.body, headers: known.headers ?? {} };
    },
    async finish(attempt, answer) {
      if (answer) await store(fork(), attempt, answer);
      // While the work is being committed it waits for that.
      else await rows(fork(), sql`delete from idempotency_keys where ${isOpen(attempt)}`);
    },
    async keep(em, attempt, answer) {
      if (!(await store(em, attempt, answer))) throw new AppError('unavailable');
    },
  };
}

/** Forgets what is older than a day; a job's work. */
export async function purgeIdempotencyKeys({ em, now }: Pick<Context, 'em' | 'now'>): Promise<void> {
  const oldest = new Date(now.getTime() - KEPT_HOURS * 3_600_000);
  await rows(em, sql`delete from idempotency_keys where created_at <= ${oldest}`);
}
