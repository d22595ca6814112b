import type { Config } from '../../config.ts';
import type { Driver } from './notifier.ts';
import { needed, type ProviderAnswer, providerAt, refused } from './provider.ts';

/** Telegram Gateway: an ability check that is charged, then a send that is free with its request id; the code is ours. */
export function telegramDriver(config: Config): Driver {
  const call = providerAt(config, 'TELEGRAM_GATEWAY_URL', config.TELEGRAM_GATEWAY_URL);
  const token = needed(config.TELEGRAM_GATEWAY_TOKEN, 'TELEGRAM_GATEWAY_TOKEN');
  const callback_url = new URL('/api/webhooks/telegram-gateway/', config.PUBLIC_URL).href;

  async function ask(method: string, fields: object): Promise<{ request_id: string; request_cost?: number }> {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const answer: ProviderAnswer = await call(method, { method: 'POST', headers, body: JSON.stringify(fields) });
    if (answer.status !== 200 || answer.body?.ok !== true) throw refused('telegram', answer);
    return answer.body.result;
  }

  return {
    name: 'telegram',
    channel: 'telegram',
    async send({ phone, code, otpId, ttlSec }) {
      const { request_id, request_cost } = await ask('checkSendAbility', { phone_number: phone });
      const ttl = Math.min(Math.max(ttlSec, 30), 3_600);
      await ask('sendVerificationMessage', {
        phone_number: phone,
        request_id,
        code,
        ttl,
        callback_url,
        payload: otpId,
      });
      return { providerId: request_id, cost: request_cost };
    },
    async confirm({ providerId, code }) {
      await ask('checkVerificationStatus', { request_id: providerId, code });
    },
  };
}
