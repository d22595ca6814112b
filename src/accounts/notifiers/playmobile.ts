import { newId } from '../../common/ids.ts';
import type { Config } from '../../config.ts';
import type { Driver } from './notifier.ts';
import { needed, providerAt, refused } from './provider.ts';

/** Play Mobile (smsxabar.uz): Basic authentication, JSON; a repeated `message-id` is dropped by the provider. */
export function playmobileDriver(config: Config, textOf: (code: string) => string): Driver {
  const call = providerAt(config, 'PLAYMOBILE_URL', config.PLAYMOBILE_URL);
  const login = needed(config.PLAYMOBILE_LOGIN, 'PLAYMOBILE_LOGIN');
  const password = needed(config.PLAYMOBILE_PASSWORD, 'PLAYMOBILE_PASSWORD');
  const authorization = `Basic ${Buffer.from(`${login}:${password}`).toString('base64')}`;

  async function sendText(phone: string, text: string, id: string): Promise<string> {
    const message = {
      recipient: phone.slice(1),
      'message-id': `ph-${id}`,
      sms: { originator: config.PLAYMOBILE_ORIGINATOR, content: { text } },
    };
    const headers = { authorization, 'content-type': 'application/json' };
    const answer = await call('send', { method: 'POST', headers, body: JSON.stringify({ messages: [message] }) });
    if (answer.status !== 200) throw refused('playmobile', answer);
    return `ph-${id}`;
  }

  return {
    name: 'playmobile',
    channel: 'sms',
    send: async ({ phone, code, otpId }) => ({ providerId: await sendText(phone, textOf(code), otpId) }),
    sendText: async (phone, text) => void (await sendText(phone, text, newId())),
  };
}
