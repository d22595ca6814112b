import { createHash, createHmac } from 'node:crypto';
import express, { type RequestHandler } from 'express';
import { sql } from 'kysely';
import { rows } from '../common/database.ts';
import { AppError } from '../common/errors.ts';
import type { Executor } from '../common/execute.ts';
import { inBodyTime } from '../common/http/request.ts';
import type { HttpDoor } from '../common/http.ts';
import { newId } from '../common/ids.ts';
import { sameBytes } from '../common/keys.ts';
import type { Config } from '../config.ts';

const readBytes = express.raw({ type: () => true, limit: '100kb', inflate: false });
const OLDEST_MS = 300_000;
/** PostgreSQL stores no U+0000. */
const plain = (value: unknown) => String(value).replaceAll('\u0000', '');

/** Callbacks of the providers: they change `delivery_status` and nothing else. */
export function accountsWebhooks(door: HttpDoor, executor: Executor, config: Config): void {
  const rawBody = inBodyTime(config, readBytes);
  const record: Record_ = async (provider, providerId, otpId, status) => {
    if (typeof status !== 'string') return;
    await executor.transaction({ now: new Date(), requestId: newId(), ip: '', userAgent: null }, ({ em }) =>
      rows(
        em,
        sql`update phone_otps set delivery_status = ${plain(status).slice(0, 30)}
            where driver = ${provider} and (provider_id = ${plain(providerId)} or id::text = ${plain(otpId)})`,
      ),
    );
  };
  door.raw('POST /api/webhooks/eskiz/{secret}/', rawBody, eskizCallback(config, record));
  door.raw('POST /api/webhooks/telegram-gateway/', rawBody, telegramCallback(config, record));
}

/** Of a report that tells no status nothing is kept. */
type Record_ = (provider: string, providerId: unknown, otpId: unknown, status: unknown) => Promise<void>;

/** Unsigned: a secret in the address is all there is. The names of its fields vary. */
function eskizCallback({ ESKIZ_CALLBACK_SECRET }: Config, record: Record_): RequestHandler {
  return async (req, res) => {
    const given = Buffer.from(String(req.params['secret']));
    if (!ESKIZ_CALLBACK_SECRET || !sameBytes(given, Buffer.from(ESKIZ_CALLBACK_SECRET)))
      throw new AppError('not_found');
    const fields = fieldsOf(req.body as Buffer, req.get('content-type') ?? '');
    await record(
      'eskiz',
      fields['request_id'] ?? fields['id'] ?? fields['message_id'],
      fields['user_sms_id'],
      fields['status'],
    );
    res.json({ ok: true });
  };
}

/** Signed over its timestamp and raw body with the SHA-256 of the token; older than 5 minutes is refused. */
function telegramCallback({ TELEGRAM_GATEWAY_TOKEN }: Config, record: Record_): RequestHandler {
  return async (req, res) => {
    const body = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
    const timestamp = req.get('x-request-timestamp') ?? '';
    const key = createHash('sha256')
      .update(TELEGRAM_GATEWAY_TOKEN ?? '')
      .digest();
    const expected = createHmac('sha256', key).update(`${timestamp}\n`).update(body).digest();
    const isSigned = sameBytes(Buffer.from(req.get('x-request-signature') ?? '', 'hex'), expected);
    const isRecent = Math.abs(Date.now() - Number(timestamp) * 1000) <= OLDEST_MS;
    if (!TELEGRAM_GATEWAY_TOKEN || !isSigned || !isRecent) throw new AppError('permission_denied');
    const fields = fieldsOf(body, 'application/json');
    const status = (fields['delivery_status'] as { status?: unknown } | undefined)?.status;
    await record('telegram', fields['request_id'], fields['payload'], status);
    res.json({ ok: true });
  };
}

function fieldsOf(body: Buffer, contentType: string): Record<string, unknown> {
  const text = Buffer.isBuffer(body) ? body.toString() : '';
  if (contentType.includes('urlencoded')) return Object.fromEntries(new URLSearchParams(text));
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    throw new AppError('bad_json');
  }
}
