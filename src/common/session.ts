import { z } from 'zod';
import type { Config } from '../config.ts';
import { relaxed } from './limits.ts';
import { event, type Limit, moment, plainText, query } from './operations.ts';

/** The versions of the socket contract that are spoken. */
export const PROTOCOL = { min: 1, max: 1 } as const;

export const sessionLimits = {
  event_bytes: 32_768,
  text_length: 4_000,
  connections: 10,
  send: { per_s: 5, burst: 20, per_min: 120 },
};

/** Everything a connection sends, the events of all its namespaces together. */
export const eventLimit: Limit = { name: 'events', by: 'connection', points: 600, windowSec: 60 };
/** A connection counts once, however many namespaces it joins. */
export const handshakeLimit: Limit = { name: 'handshakes', by: 'user', points: 30, windowSec: 60, isHot: true };

/** The figures in force, as `session:ready` tells them; without limits the largest number that every client can hold. */
export function limitsInForce(config: Config): typeof sessionLimits {
  const told = (limit: number) => Math.min(relaxed(config, limit), 2_147_483_647);
  const { connections, send } = sessionLimits;
  return {
    ...sessionLimits,
    connections: told(connections),
    send: { per_s: told(send.per_s), burst: told(send.burst), per_min: told(send.per_min) },
  };
}

export const Handshake = z.object({
  token: z.string().describe('The bare access token.'),
  protocol: z.int().optional(),
  device_id: z.string().max(100).optional(),
  client: z
    .object({ name: z.string().max(100), version: z.string().max(50), platform: z.string().max(50) })
    .partial()
    .optional(),
  locale: z.string().max(20).optional(),
});

/** Why the server ends the sockets of a session. */
const revokeReasons = [
  'logout',
  'logout_all',
  'password_changed',
  'blocked',
  'token_expired',
  'admin',
  'reused',
] as const;
export type RevokeReason = (typeof revokeReasons)[number];

/** Served in every namespace by the door itself. */
export const RENEW_EVENT = 'auth:renew';
export const Renewal = z.object({ token: plainText.max(4_096).describe('A newer access token of the same session.') });

export const renewal = query({
  summary: 'A newer access token of the same session: it counts for all namespaces of the connection.',
  socket: RENEW_EVENT,
  input: Renewal,
  output: z.object({ token_expires_at: moment }),
  errors: [
    ...(['token_invalid', 'token_expired', 'identity_mismatch'] as const),
    ...(['session_revoked', 'session_expired', 'account_blocked'] as const),
  ],
});

/** Events of every namespace (realtime.md, sections 2 and 10). */
export const sessionEvents = {
  ready: event(
    'session:ready',
    z.object({
      user_id: z.uuid(),
      session_id: z.uuid(),
      connection_id: z.string(),
      server_time: moment,
      protocol: z.int(),
      token_expires_at: moment,
      limits: z.object({
        event_bytes: z.int(),
        text_length: z.int(),
        connections: z.int(),
        send: z.object({ per_s: z.int(), burst: z.int(), per_min: z.int() }),
      }),
      degraded: z.array(z.enum(['cross_node', 'presence'])),
    }),
    'The first event of every namespace: who you are here and which limits hold.',
  ),
  expiring: event(
    'session:expiring',
    z.object({ expires_at: moment, in_ms: z.int() }),
    'The access token expires soon: refresh it and send auth:renew.',
  ),
  revoked: event(
    'session:revoked',
    z.object({ reason: z.enum(revokeReasons) }),
    'The session has ended; the connection is cut and will not be let in again with this token.',
  ),
  exceeded: event(
    'limits:exceeded',
    z.object({ retry_after_ms: z.int() }),
    'Far too much was sent for 30 s; the connection is cut and may be made again after this time.',
  ),
  draining: event(
    'server:draining',
    z.object({ reconnect: z.object({ min_delay_ms: z.int(), max_delay_ms: z.int() }) }),
    'This instance stops; the connection is closed soon and should be made again within the given window.',
  ),
};
