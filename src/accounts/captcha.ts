import type { Config } from '../config.ts';

const verifyUrls = {
  turnstile: 'https://challenges.cloudflare.com/turnstile/v0/siteverify',
  hcaptcha: 'https://api.hcaptcha.com/siteverify',
};
const TIMEOUT_MS = 5_000;

/** Asks the provider whether a person solved the captcha; a provider that does not answer lets nobody pass. */
export async function isCaptchaSolved(config: Config, token: string | undefined, ip: string): Promise<boolean> {
  const { CAPTCHA_PROVIDER, CAPTCHA_SECRET, CAPTCHA_URL } = config;
  if (!CAPTCHA_PROVIDER || !CAPTCHA_SECRET || !token) return false;
  try {
    const response = await fetch(CAPTCHA_URL ?? verifyUrls[CAPTCHA_PROVIDER], {
      method: 'POST',
      redirect: 'error',
      body: new URLSearchParams({ secret: CAPTCHA_SECRET, response: token, remoteip: ip }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return ((await response.json()) as { success?: unknown }).success === true;
  } catch {
    return false;
  }
}
