import { join } from 'node:path';
import { readOptions } from '../bench/support/options.ts';
import { profiles } from './profiles.ts';

/** Ends the process: what was asked for cannot be done. */
export function refuse(reason: string): never {
  process.stderr.write(`${reason}\nusage: npm run load -- [--profile ${Object.keys(profiles).join('|')}] [--rooms N] [--devices 1..10] [--rate N] [--duration S] [--ramp] [--url URL [--tokens FILE]] [--out FOLDER]\n`); // biome-ignore format: one line reads better
  process.exit(2);
}

const values = readOptions(
  {
    options: {
      profile: { type: 'string', default: 'rooms' },
      rooms: { type: 'string', default: '100' },
      devices: { type: 'string' },
      rate: { type: 'string', default: '100' },
      duration: { type: 'string', default: '10' },
      ramp: { type: 'boolean', default: false },
      url: { type: 'string', multiple: true, default: [] },
      tokens: { type: 'string' },
      out: { type: 'string', default: '.data/load' },
    },
  },
  refuse,
);

function number(name: 'rooms' | 'devices' | 'rate' | 'duration', preset: string, most: number): number {
  const value = Number(values[name] ?? preset);
  return Number.isInteger(value) && value >= 1 && value <= most ? value : refuse(`--${name} is 1 to ${most}`);
}

const [url, ...others] = values.url;
if (others.length > 0) refuse('--url is one address');
if (url !== undefined && !/^https?:$/.test(URL.parse(url)?.protocol ?? '')) refuse(`--url ${url} is no address`);
if (url === undefined && values.tokens !== undefined) refuse('--tokens needs --url');
if (values.ramp && values.profile !== 'rooms') refuse('--ramp is for --profile rooms');
if (!Object.hasOwn(profiles, values.profile)) refuse(`--profile ${values.profile} is none`);
const hearsMore = values.profile === 'churn' || values.profile === 'slow-reader';

/** What was asked for, checked; whatever is wrong ends the process. */
export const options = {
  profile: values.profile,
  url: url?.replace(/\/$/, ''),
  tokens: values.tokens ?? join(values.out, 'world.ndjson'),
  hasTokens: values.tokens !== undefined,
  out: values.out,
};
export const settings = {
  rooms: number('rooms', '100', 100_000),
  // where listeners are cut, each side needs one more than the device that writes
  devices: number('devices', hearsMore ? '2' : '1', 10),
  rate: number('rate', '100', 1_000_000),
  duration: number('duration', '10', 86_400),
  ramp: values.ramp,
};
