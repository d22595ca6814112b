import type { Config } from '../../config.ts';
import type { Driver } from './notifier.ts';
import { needed, type ProviderAnswer, providerAt, refused } from './provider.ts';

const accepted = new Set(['waiting', 'queued', 'success']);

/** Eskiz (notify.eskiz.uz): a token of about 30 days from e-mail and password, messages as forms. */
export function eskizDriver(config: Config, textOf: (code: string) => string): Driver {
  const call = providerAt(config, 'ESKIZ_URL', config.ESKIZ_URL);
  const email = needed(config.ESKIZ_EMAIL, 'ESKIZ_EMAIL');
  const password = needed(config.ESKIZ_PASSWORD, 'ESKIZ_PASSWORD');
  let token: Promise<string> | null = null;

  /** One login for all who wait for it. */
  function logIn(): Promise<string> {
    token ??= call('auth/login', { method: 'POST', body: formOf({ email, password }) }).then(answer => {
      const found = answer.body?.data?.token;
      if (answer.status !== 200 || typeof found !== 'string') throw refused('eskiz', answer);
      return found;
    });
    token.catch(() => {
      token = null;
    });
    return token;
  }

  async function post(fields: Record<string, string>): Promise<ProviderAnswer> {
    const current = logIn();
    const send = async (bearer: string) =>
      call('message/sms/send', {
        method: 'POST',
        headers: { authorization: `Bearer ${bearer}` },
        body: formOf(fields),
      });
    const answer = await send(await current);
    if (answer.status !== 401) return answer;
    // The token has ended; whoever notices first logs in, once.
    if (token === current) token = null;
    return send(await logIn());
  }

  async function sendText(phone: string, message: string, id?: string): Promise<string> {
    const fields = {
      mobile_phone: phone.slice(1),
      message,
      from: config.ESKIZ_FROM,
      ...(id && { user_sms_id: id, ...callbackOf(config) }),
    };
    const answer = await post(fields);
    if (answer.status !== 200 || !accepted.has(answer.body?.status)) throw refused('eskiz', answer);
    return String(answer.body.id);
  }

  return {
    name: 'eskiz',
    channel: 'sms',
    send: async ({ phone, code, otpId }) => ({ providerId: await sendText(phone, textOf(code), otpId) }),
    sendText: async (phone, text) => void (await sendText(phone, text)),
  };
}

function callbackOf({ ESKIZ_CALLBACK_SECRET, PUBLIC_URL }: Config): { callback_url?: string } {
  if (!ESKIZ_CALLBACK_SECRET) return {};
  return { callback_url: new URL(`/api/webhooks/eskiz/${ESKIZ_CALLBACK_SECRET}/`, PUBLIC_URL).href };
}

function formOf(fields: Record<string, string>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  return form;
}
