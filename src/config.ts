import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { z } from 'zod';
import { isHostName, isNetwork, isOrigin, isWebAddress } from './common/networks.ts';
import { isTimeZone } from './common/time.ts';

const flag = z.enum(['0', '1']).transform(value => value === '1');
const list = z.string().transform(value => value.split(',').map(item => item.trim()).filter(Boolean)); // biome-ignore format: one line reads better
/** What is counted in the database is counted there in 32 bits. */
const whole = (min: number, max = 2_147_483_647) => z.coerce.number().int().min(min).max(max);
/** A hundred years: what is longer is a slip, and leads beyond the dates of a database. */
const LONGEST_SEC = 3_153_600_000;
const seconds = (preset: number, max = LONGEST_SEC) => whole(1, max).default(preset);
const each = (fits: (item: string) => boolean, error: string) => list.pipe(z.array(z.string().refine(fits, { error })));
const webAddress = z.string().refine(isWebAddress, { error: 'must be http://… or https://…' });

/**
 * Every setting, under the name it has in the environment: the one declaration that `config`, `.env.example` and the
 * README's table come from. Durations are seconds, lists are comma-separated, flags are 0 or 1. A missing default is
 * filled in by `complete`.
 */
export const environment = z.object({
  DEBUG: flag
    .optional()
    .describe('Readable logs and open documents. Default: 1 unless DATABASE_URL or NODE_ENV=production is set.'),
  SECRET_KEY: z
    .string()
    .optional()
    .describe('Root of all keys, at least 32 bytes. With DEBUG it is made once and kept in DATA_DIR.'),
  SECRET_KEY_FALLBACKS: list
    .default([])
    .describe('Further keys whose tokens are taken: the next one before a change of SECRET_KEY, the old one after it.'),
  ALLOWED_HOSTS: each(isHostName, 'must be a name without https:// and port, or *')
    .transform(names => names.map(name => name.toLowerCase()))
    .default(['127.0.0.1', 'localhost'])
    .describe('Host headers that are served; * only with DEBUG.'),
  CORS_ALLOWED_ORIGINS: each(isOrigin, 'must be an origin as browsers send it: https://app.example.uz')
    .optional()
    .describe('Exact origins, for REST and sockets. Default with DEBUG: http://localhost:3000 and :5173.'),
  DEV_OTP: flag.optional().describe('Codes are part of the answer (dev_code). Default: as DEBUG.'),
  ALLOW_DEV_OTP_IN_PROD: flag.default(false).describe('Must be 1 for DEV_OTP=1 with DEBUG=0.'),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must be postgres://…')
    .optional()
    .describe('postgres://… Unset: the embedded PostgreSQL in DATA_DIR.'),
  REDIS_URL: z.string().optional().describe('redis://… Needed as soon as there are several instances.'),
  HOST: z.string().optional().describe('Where it listens. Default: 127.0.0.1 with DEBUG, else 0.0.0.0.'),
  PORT: whole(0, 65535).default(8000).describe('0 takes a free port.'),
  PUBLIC_URL: webAddress.optional().describe('Base of links and callbacks. Default: http://HOST:PORT.'),
  NODE_ENV: z.string().optional().describe('`production`; `test` allows X-Test-Now and TEST_TIME_SCALE.'),
  TEST_TIME_SCALE: whole(1).default(1).describe('Divides waiting times, only with NODE_ENV=test.'),
  TRUST_PROXY: whole(0, 10).default(0).describe('Proxies in front whose X-Forwarded-For counts.'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('Least level that is logged.'),
  DATA_DIR: z.string().default('.data').describe('Local state: the embedded database, the made SECRET_KEY, uploads.'),
  DB_POOL: whole(2, 200).default(10).describe('Database connections of one instance.'),
  ACCESS_TTL: seconds(600).describe('Life of an access token.'),
  REFRESH_TTL: seconds(2_592_000).describe('A session ends when it is not refreshed for so long.'),
  SESSION_ABSOLUTE_TTL: seconds(7_776_000).describe('A session ends so long after its login in any case.'),
  REFRESH_LEEWAY: seconds(30).describe('A refresh token used twice within this time gets the same successor.'),
  MAX_SESSIONS: whole(1, 100).default(10).describe('Sessions per user; one more ends the least recently used.'),
  OTP_TTL: seconds(180, 600).describe('Life of a code.'),
  OTP_COOLDOWN: seconds(60).describe('Between two codes to one number.'),
  OTP_MAX_ATTEMPTS: whole(1, 10).default(5).describe('Wrong tries that burn a code.'),
  OTP_PHONE_HOURLY: whole(1).default(5).describe('Codes per number in an hour.'),
  OTP_PHONE_DAILY: whole(1).default(10).describe('Codes per number in 24 hours.'),
  OTP_IP_HOURLY: whole(1)
    .default(30)
    .describe('Codes per IP address in an hour; above it a captcha is asked for, if one is configured.'),
  OTP_PREFIX_HOURLY: whole(1)
    .default(20)
    .describe('Codes in an hour to numbers that differ in their last 3 digits only.'),
  SMS_DAILY_BUDGET: whole(1).default(5_000).describe('Codes sent in a day, over all numbers.'),
  SMS_RESERVED_SHARE: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('Share of the daily budget that only registered numbers may use.'),
  TEST_OTP_NUMBERS: list
    .pipe(
      z.array(z.string().regex(/^\+[1-9]\d{7,14}:\d{6}@\d{4}-\d{2}-\d{2}$/, 'must look like +998…:111111@2026-01-31')),
    )
    .default([])
    .describe('+998…:111111@2026-01-31 is a fixed code for store reviewers, until that day.'),
  NOTIFIER: list
    .optional()
    .describe('Drivers that bring codes, in this order: dev, eskiz, playmobile, telegram. Default with DEV_OTP: dev.'),
  SMS_TEMPLATE: z
    .string()
    .default('Parthub: tasdiqlash kodi {code}')
    .describe('The text as the provider has approved it; {code} once, one GSM-7 segment.'),
  ESKIZ_URL: webAddress.default('https://notify.eskiz.uz/api').describe('Eskiz: base address.'),
  ESKIZ_EMAIL: z.string().optional().describe('Eskiz: login.'),
  ESKIZ_PASSWORD: z.string().optional().describe('Eskiz: password.'),
  ESKIZ_FROM: z.string().default('4546').describe('Eskiz: sender.'),
  ESKIZ_CALLBACK_SECRET: z
    .string()
    .regex(/^[\w-]{16,}$/, 'needs at least 16 letters, digits, - or _')
    .optional()
    .describe('Eskiz: secret part of the callback address, at least 16 letters.'),
  PLAYMOBILE_URL: webAddress.default('https://send.smsxabar.uz/broker-api').describe('Play Mobile: base address.'),
  PLAYMOBILE_LOGIN: z.string().optional().describe('Play Mobile: login.'),
  PLAYMOBILE_PASSWORD: z.string().optional().describe('Play Mobile: password.'),
  PLAYMOBILE_ORIGINATOR: z.string().default('3700').describe('Play Mobile: sender.'),
  TELEGRAM_GATEWAY_URL: webAddress
    .default('https://gatewayapi.telegram.org')
    .describe('Telegram Gateway: base address.'),
  TELEGRAM_GATEWAY_TOKEN: z.string().optional().describe('Telegram Gateway: access token.'),
  CAPTCHA_PROVIDER: z.enum(['turnstile', 'hcaptcha']).optional().describe('Asked for above the IP limit.'),
  CAPTCHA_SECRET: z.string().optional().describe('Secret of the captcha provider.'),
  CAPTCHA_URL: webAddress.optional().describe('Where answers are verified, if not at the provider itself.'),
  REUSE_GUARD_DAYS: whole(1).default(365).describe('A number idle for longer may belong to somebody else now.'),
  ADMIN_IDLE_TTL: seconds(1_800).describe('A staff session ends when it is idle for so long.'),
  ADMIN_IP_ALLOW: each(isNetwork, 'must be an address or a network like 10.0.0.0/8')
    .default([])
    .describe('Networks (CIDR) that reach the admin panel and its API. Default: all.'),
  ALLOWED_PHONE_COUNTRIES: each(code => /^[A-Z]{2}$/.test(code), 'must be two capital letters: UZ')
    .default(['UZ'])
    .describe('ISO country codes.'),
  BILLING_TZ: z
    .string()
    .refine(isTimeZone, { error: 'must be a time zone like Asia/Tashkent' })
    .default('Asia/Tashkent')
    .describe('Where a billing month begins and ends.'),
  GRACE_DAYS: whole(0, 90).default(3).describe('Days that a subscription goes on after its period.'),
  AUTO_PLAN: z.string().optional().describe('Plan code that new users get at once.'),
  B2B_FEED_ACCESS: z.enum(['enabled', 'authenticated', 'public']).default('enabled').describe('Who reads the board.'),
  B2B_AUTO_ENABLE: flag.default(false).describe('Business profiles are enabled without an operator.'),
  POST_MODERATION: z
    .enum(['post', 'pre'])
    .default('post')
    .describe('`post`: posts appear at once and are reviewed after; `pre` holds them until a moderator approves.'),
  NOTIFICATION_DAYS: whole(1, 3_650).default(90).describe('Notifications are kept for so long after they were read.'),
  UPLOAD_DIR: z.string().optional().describe('Where images are kept. Default: DATA_DIR/uploads.'),
  S3_ENDPOINT: webAddress.optional().describe('https://…: keeps images in an S3-compatible bucket instead.'),
  S3_REGION: z.string().default('us-east-1').describe('S3: region that requests are signed for.'),
  S3_BUCKET: z.string().optional().describe('S3: bucket.'),
  S3_ACCESS_KEY_ID: z.string().optional().describe('S3: access key.'),
  S3_SECRET_ACCESS_KEY: z.string().optional().describe('S3: secret key.'),
  S3_PUBLIC_URL: webAddress.optional().describe('S3: where clients read images. Default: the bucket itself.'),
  VAPID_PUBLIC_KEY: z
    .string()
    .regex(/^[\w-]{87}$/, 'needs a key of `npm run -s cli -- vapid-keys`')
    .optional()
    .describe('Web push: public key, which browsers subscribe with. Unset: no web push.'),
  VAPID_PRIVATE_KEY: z
    .string()
    .regex(/^[\w-]{43}$/, 'needs a key of `npm run -s cli -- vapid-keys`')
    .optional()
    .describe('Web push: private key.'),
  VAPID_SUBJECT: z
    .string()
    .regex(/^(mailto:\S+@\S+|https:\/\/\S+)$/, 'must be mailto:… or https://…')
    .optional()
    .describe('Web push: whom the makers of browsers reach about it, mailto:… or https://….'),
  PUSH_TEST_HOSTS: list
    .default([])
    .describe('Further hosts of web push, plain http too; counts only with NODE_ENV=test.'),
  METRICS_TOKEN: z
    .string()
    .min(16, 'needs at least 16 letters')
    .optional()
    .describe('/metrics wants it as Bearer, else 404; without it they are open with DEBUG, else closed.'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .string()
    .regex(/^https?:\/\/[^\s/]+/, 'must be http://… or https://…')
    .optional()
    .describe('Traces: an OpenTelemetry collector, http://host:4318 (OTLP over HTTP). Unset: none are made.'),
  OTEL_EXPORTER_OTLP_HEADERS: list
    .pipe(z.array(z.string().regex(/^[\w-]+\s*=/, 'must look like name=value')))
    .default([])
    .describe('Traces: headers for the collector, name=value.'),
  OTEL_SERVICE_NAME: z.string().default('parthub').describe('Traces: the name of this service.'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1).describe('Traces: the share that is kept.'),
  RATE_LIMITS: z
    .enum(['on', 'relaxed', 'off'])
    .default('on')
    .describe('`relaxed`: limits per user, connection and IP times 100. `off`: none.'),
  RATE_LIMITS_CONFIRM: z.string().optional().describe('Must repeat RATE_LIMITS when that is not `on` with DEBUG=0.'),
  DRAIN_SECONDS: whole(0, 600).default(20).describe('Window over which sockets are closed at shutdown.'),
  SUPERUSER_PHONE: z.string().optional().describe('For createsuperuser --no-input.'),
  SUPERUSER_PASSWORD: z.string().optional().describe('For createsuperuser --no-input.'),
});

type Parsed = z.output<typeof environment>;
type Completed =
  | 'NOTIFIER'
  | 'UPLOAD_DIR'
  | 'DEBUG'
  | 'SECRET_KEY'
  | 'CORS_ALLOWED_ORIGINS'
  | 'DEV_OTP'
  | 'HOST'
  | 'PUBLIC_URL';
export type Config = Omit<Parsed, Completed> & { [Name in Completed]: NonNullable<Parsed[Name]> };

/** The value that the README shows; a server must never run on it. */
export const EXAMPLE_SECRET_KEY = 'change-me-to-32-random-bytes-or-more';

/** Why a server does not start: told as text, without a stack. */
export class ConfigError extends Error {}

/**
 * Reads the environment, and `.env` for what it lacks. Throws `ConfigError` naming every wrong variable, never a value.
 */
export function loadConfig(env: NodeJS.ProcessEnv = withEnvFile(process.env)): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = environment.safeParse(given);
  if (!parsed.success) {
    const lines = parsed.error.issues.map(issue => `  ${issue.path.join('.')}: ${issue.message}`);
    throw new ConfigError(`Wrong settings:\n${lines.join('\n')}`);
  }
  return refuseUnsafe(complete(parsed.data));
}

function withEnvFile(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return existsSync('.env') ? { ...parseEnv(readFileSync('.env', 'utf8')), ...env } : env;
}

function complete(parsed: Parsed): Config {
  const DEBUG = parsed.DEBUG ?? (parsed.DATABASE_URL === undefined && parsed.NODE_ENV !== 'production');
  const DEV_OTP = parsed.DEV_OTP ?? DEBUG;
  const HOST = parsed.HOST ?? (DEBUG ? '127.0.0.1' : '0.0.0.0');
  return {
    ...parsed,
    DEBUG,
    HOST,
    SECRET_KEY: parsed.SECRET_KEY ?? (DEBUG ? keptSecretKey(parsed.DATA_DIR) : ''),
    CORS_ALLOWED_ORIGINS:
      parsed.CORS_ALLOWED_ORIGINS ?? (DEBUG ? ['http://localhost:3000', 'http://localhost:5173'] : []),
    DEV_OTP,
    UPLOAD_DIR: parsed.UPLOAD_DIR ?? join(parsed.DATA_DIR, 'uploads'),
    NOTIFIER: parsed.NOTIFIER ?? (DEV_OTP ? ['dev'] : []),
    PUBLIC_URL: parsed.PUBLIC_URL ?? `http://${isIPv6(HOST) ? `[${HOST}]` : HOST}:${parsed.PORT}`,
    TEST_TIME_SCALE: parsed.NODE_ENV === 'test' ? parsed.TEST_TIME_SCALE : 1,
    PUSH_TEST_HOSTS: parsed.NODE_ENV === 'test' ? parsed.PUSH_TEST_HOSTS : [],
  };
}

function keptSecretKey(dataDir: string): string {
  const file = join(dataDir, 'secret_key');
  mkdirSync(dataDir, { recursive: true });
  try {
    writeFileSync(file, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readFileSync(file, 'utf8');
}

function refuseUnsafe(config: Config): Config {
  const wrong: string[] = [];
  if (Buffer.byteLength(config.SECRET_KEY) < 32 || config.SECRET_KEY === EXAMPLE_SECRET_KEY)
    wrong.push('SECRET_KEY: at least 32 random bytes are needed, e.g. from `openssl rand -base64 32`');
  if (config.NOTIFIER.length === 0) wrong.push('NOTIFIER: names at least one driver, or DEV_OTP=1 is set');
  if (config.S3_ENDPOINT && !(config.S3_BUCKET && config.S3_ACCESS_KEY_ID && config.S3_SECRET_ACCESS_KEY))
    wrong.push('S3_ENDPOINT: needs S3_BUCKET, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY too');
  const bucket = [config.S3_BUCKET, config.S3_ACCESS_KEY_ID, config.S3_SECRET_ACCESS_KEY, config.S3_PUBLIC_URL];
  if (!config.S3_ENDPOINT && bucket.some(Boolean))
    wrong.push('S3_ENDPOINT: is missing; without it images are kept in UPLOAD_DIR and no bucket is used');
  if (config.CAPTCHA_PROVIDER && !config.CAPTCHA_SECRET)
    wrong.push('CAPTCHA_PROVIDER: needs CAPTCHA_SECRET too; without it nobody could solve one');
  const vapid = [config.VAPID_PUBLIC_KEY, config.VAPID_PRIVATE_KEY, config.VAPID_SUBJECT];
  if (vapid.some(Boolean) && !vapid.every(Boolean))
    wrong.push('VAPID_PUBLIC_KEY: web push needs VAPID_PRIVATE_KEY and VAPID_SUBJECT too, and neither without it');
  if (!config.DEBUG) {
    if (config.NOTIFIER.includes('dev') && !config.DEV_OTP && config.NODE_ENV !== 'test')
      wrong.push('NOTIFIER: dev brings no code to anybody; name the drivers of your providers');
    if (config.DEV_OTP && !config.ALLOW_DEV_OTP_IN_PROD)
      wrong.push('DEV_OTP: 1 shows every code to everybody; with DEBUG=0 it needs ALLOW_DEV_OTP_IN_PROD=1');
    if (config.ALLOWED_HOSTS.includes('*')) wrong.push('ALLOWED_HOSTS: * is only for DEBUG=1');
    if (config.RATE_LIMITS !== 'on' && config.RATE_LIMITS_CONFIRM !== config.RATE_LIMITS)
      wrong.push(`RATE_LIMITS: with DEBUG=0, RATE_LIMITS_CONFIRM must repeat ${config.RATE_LIMITS}`);
  }
  if (wrong.length > 0) throw new ConfigError(`Unsafe settings:\n${wrong.map(line => `  ${line}`).join('\n')}`);
  return config;
}
