import { createRequire } from 'node:module';
import { type Logger, type LoggerOptions, pino } from 'pino';
import type { Config } from '../config.ts';

const secretNames = [
  'authorization', 'cookie', 'password', 'password_confirm', 'current_password', 'code', 'dev_code', 'token', 'access',
  'refresh', 'verification_token', 'device_token', 'text', 'auth',
]; // biome-ignore format: a list

/**
 * JSON lines, or readable ones with DEBUG; the CLI writes them to stderr (2), since its stdout is its answer. No secret,
 * message text or whole phone number reaches a log: fields with such names are masked at any depth that we log, phone
 * numbers wherever they stand (security.md, row 60). JSON escapes CR, LF and terminal codes.
 */
export function createLog(config: Pick<Config, 'DEBUG' | 'LOG_LEVEL'>, destination: 1 | 2 = 1): Logger {
  const options: LoggerOptions = {
    level: config.LOG_LEVEL,
    base: null,
    // Named too, so that `mask` is told which field it is.
    redact: { paths: ['err.code', ...secretNames.flatMap(name => [name, `*.${name}`, `*.*.${name}`])], censor: mask },
    hooks: { streamWrite: maskPhones },
  };
  if (!config.DEBUG) return pino(options, pino.destination(destination));
  // Pino would run it in a thread of its own, with a heap of its own.
  const { build: readable } = createRequire(import.meta.url)('pino-pretty') as typeof import('pino-pretty');
  const pretty = { ignore: 'hostname,pid', singleLine: true, translateTime: 'HH:MM:ss.l', destination, sync: true };
  return pino(options, readable(pretty));
}

/** Of an error the code says what it is (ECONNREFUSED, 42P01, internal); six digits could be a one-time code. */
function mask(value: unknown, [field, name, ...deeper]: (string | symbol)[]): unknown {
  const isOfError = field === 'err' && name === 'code' && deeper.length === 0;
  return isOfError && typeof value === 'string' && /^([a-z_]\w*|[\dA-Z]{5})$/i.test(value) ? value : '***';
}

/** `+998901234567` → `+99890*****67`, and so for numbers of any country. */
export function maskPhones(text: string): string {
  return text.replace(/\+(\d{5})\d{1,8}(\d{2})(?!\d)/g, '+$1*****$2');
}
