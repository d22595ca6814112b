import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import { request as requestHttps } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import type { Config } from '../../config.ts';

/** Where the makers of browsers take web push: Chrome and its kin, Firefox, Safari, Edge. */
const makers = [
  /^fcm\.googleapis\.com$/,
  /^updates\.push\.services\.mozilla\.com$/,
  /^([\w-]+\.)?push\.apple\.com$/,
  /^[\w-]+\.notify\.windows\.com$/,
];
const TIMEOUT_MS = 5_000;

/**
 * Whether the server may send to this address of a user: https, at a maker of browsers, never an IP address (S-55). Hosts
 * of PUSH_TEST_HOSTS count in tests alone.
 */
export function isPushEndpoint({ PUSH_TEST_HOSTS }: Pick<Config, 'PUSH_TEST_HOSTS'>, endpoint: string): boolean {
  if (!URL.canParse(endpoint)) return false;
  const { protocol, hostname, port, username, password } = new URL(endpoint);
  if (PUSH_TEST_HOSTS.includes(hostname)) return true;
  const isPlain = protocol === 'https:' && port === '' && username === '' && password === '' && isIP(hostname) === 0;
  return isPlain && makers.some(maker => maker.test(hostname));
}

export interface PushAnswer {
  status: number;
  /** How long the service asks to be left alone. */
  retryAfterMs: number | undefined;
}

/** Posts to a checked endpoint: no redirect is followed, no private address is called, who is silent for 5 s has failed. */
export function postTo(
  endpoint: string,
  { headers, body, timeScale }: { headers: Record<string, string>; body: Buffer; timeScale: number },
): Promise<PushAnswer> {
  const request = endpoint.startsWith('https:') ? requestHttps : process.getBuiltinModule('node:http').request;
  const signal = AbortSignal.timeout(TIMEOUT_MS / timeScale);
  return new Promise((resolve, reject) => {
    request(endpoint, { method: 'POST', headers, signal, lookup: lookupPublic }, answer => {
      answer.resume();
      resolve({ status: answer.statusCode ?? 0, retryAfterMs: readRetryAfter(answer.headers['retry-after']) });
    })
      .on('error', reject)
      .end(body);
  });
}

/** Seconds or a date (RFC 9110, 10.2.3). */
function readRetryAfter(header: string | undefined): number | undefined {
  const ms = /^\d+$/.test(header ?? '') ? Number(header) * 1_000 : Date.parse(header ?? '') - Date.now();
  return Number.isNaN(ms) ? undefined : ms;
}

const notPublic = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const)
  notPublic.addSubnet(net, bits, 'ipv4');
for (const [net, bits] of [
  ['::', 96],
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  notPublic.addSubnet(net, bits, 'ipv6');

/** Names that lead into our own network are not called, whoever answers for them. */
export const lookupPublic: LookupFunction = (host, options, done) => {
  lookup(host, { ...(options as LookupOptions), all: true }, (error, found) => {
    if (error) return done(error, []);
    const open = found.filter(({ address, family }) => !notPublic.check(address, family === 6 ? 'ipv6' : 'ipv4'));
    if (open.length === 0) return done(new Error(`${host} leads to no public address`), []);
    if (options.all) return done(null, open);
    const { address, family } = open[0] as LookupAddress;
    done(null, address, family);
  });
};
