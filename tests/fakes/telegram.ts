import { createHash, createHmac } from 'node:crypto';
import { fakeProvider } from './provider.ts';

export const TELEGRAM_TOKEN = 'AAAA:gateway-token';

export function fakeTelegram() {
  return fakeProvider(({ path, body, headers }) => {
    if (headers.authorization !== `Bearer ${TELEGRAM_TOKEN}`)
      return { body: { ok: false, error: 'ACCESS_TOKEN_INVALID' } };
    const result = { request_id: 'tg-1', phone_number: body.phone_number, request_cost: 0.01 };
    return path === '/checkSendAbility' || body.request_id === 'tg-1'
      ? { body: { ok: true, result } }
      : { body: { ok: false, error: 'REQUEST_ID_INVALID' } };
  });
}

/** The headers of a report, signed as the Gateway signs. */
export function signReport(body: string, at = Date.now(), token = TELEGRAM_TOKEN): Record<string, string> {
  const timestamp = String(Math.floor(at / 1000));
  const key = createHash('sha256').update(token).digest();
  const signature = createHmac('sha256', key).update(`${timestamp}\n${body}`).digest('hex');
  return { 'x-request-timestamp': timestamp, 'x-request-signature': signature };
}
