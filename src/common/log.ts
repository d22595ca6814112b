import { type Logger, pino } from 'pino';
import type { Config } from '../config.ts';

const secretNames = [
  'authorization', 'cookie', 'password', 'password_confirm', 'current_password', 'code', 'dev_code', 'token', 'access',
  'refresh', 'verification_token', 'device_token', 'text', 'auth',
]; // biome-ignore format: a list

/**
 * JSON lines, or readable ones with DEBUG. No secret, message text or whole phone number reaches a log: fields with
 * such names are masked at any depth that we log, phone numbers wherever they stand (security.md, row 60).
 * JSON escapes CR, LF and terminal codes.
 */
export function createLog(config: Pick<Config, 'DEBUG' | 'LOG_LEVEL'>): Logger {
  return pino({
    level: config.LOG_LEVEL,
    base: undefined,
    redact: { paths: secretNames.flatMap(name => [name, `*.${name}`, `*.*.${name}`]), censor: '***' },
    hooks: {
      streamWrite: line => maskPhones(line),
    },
    ...(config.DEBUG && {
      transport: {
        target: 'pino-pretty',
        options: { ignore: 'hostname,pid', singleLine: true, translateTime: 'HH:MM:ss.l', destination: 2 },
      },
    }),
  });
}

/** `+998901234567` → `+99890*****67`. */
export function maskPhones(text: string): string {
  return text.replace(/\+998(\d{2})\d{5}(\d{2})/g, '+998$1*****$2');
}
