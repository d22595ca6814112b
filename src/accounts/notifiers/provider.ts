import { type Config, ConfigError } from '../../config.ts';

const TIMEOUT_MS = 5_000;

export interface ProviderAnswer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: what a provider says is read with care
  body: any;
}

/** Calls paths below one fixed address. */
export type CallProvider = (path: string, request: RequestInit) => Promise<ProviderAnswer>;

/**
 * A provider's address comes from the settings alone: https (except in tests), no redirect is followed, and who is silent
 * for 5 s has failed.
 */
export function providerAt(config: Config, name: string, address: string): CallProvider {
  const base = new URL(address.endsWith('/') ? address : `${address}/`);
  if (base.protocol !== 'https:' && config.NODE_ENV !== 'test') throw new ConfigError(`${name}: https is needed`);
  return async (path, request) => {
    const signal = AbortSignal.timeout(TIMEOUT_MS / config.TEST_TIME_SCALE);
    const response = await fetch(new URL(path, base), { ...request, redirect: 'error', signal });
    const text = await response.text();
    return { status: response.status, body: parse(text) };
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export function needed(value: string | undefined, name: string): string {
  if (!value) throw new ConfigError(`${name} is needed by NOTIFIER`);
  return value;
}

/** A refusal of a provider, without anything of the message: some repeat what they were sent, so numbers and codes are masked. */
export function refused(driver: string, { status, body }: ProviderAnswer): Error {
  const reason =
    typeof body === 'object' && body !== null ? (body.message ?? body.error ?? body['error-description']) : body;
  return new Error(
    `${driver} answered ${status}: ${String(reason)
      .replace(/\d{5,}/g, '***')
      .slice(0, 200)}`,
  );
}
