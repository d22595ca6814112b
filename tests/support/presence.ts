import type { Socket } from 'socket.io-client';
import { newId } from '../../src/common/ids.ts';
import type { TestApp, TestUser } from './app.ts';
import { buildThread, done } from './talk.ts';

export interface PresenceState {
  user_id: string;
  status: 'online' | 'away' | 'offline' | 'hidden' | 'unknown';
  last_seen_at: string | null;
}

/** Users who share a thread with this one. */
export async function buildPeers(app: TestApp, viewer: TestUser, count = 1): Promise<TestUser[]> {
  const peers: TestUser[] = [];
  for (let n = 0; n < count; n += 1) {
    const peer = await app.buildUser();
    await buildThread(app, { buyer: viewer, seller: peer, postId: newId() });
    peers.push(peer);
  }
  return peers;
}

/** Two users who share a thread; the first is connected. */
export async function buildPair(app: TestApp): Promise<{ viewer: TestUser; peer: TestUser; socket: Socket }> {
  const viewer = await app.buildUser();
  const [peer] = await buildPeers(app, viewer);
  return { viewer, peer: peer!, socket: await app.connect(viewer, '/presence') };
}

/** Watches these users from now on; how they are. */
export async function watch(socket: Socket, users: readonly Pick<TestUser, 'id'>[]): Promise<PresenceState[]> {
  return (await done(socket, 'presence:subscribe', { user_ids: users.map(user => user.id) })).states;
}

/** How this socket was told last that a user is, as it comes. */
export function follow(socket: Socket): Map<string, PresenceState> {
  const states = new Map<string, PresenceState>();
  socket.on('presence:updated', (push: { states: PresenceState[] }) => {
    for (const state of push.states) states.set(state.user_id, state);
  });
  return states;
}

export const hidden = ({ id }: Pick<TestUser, 'id'>): PresenceState => ({
  user_id: id,
  status: 'hidden',
  last_seen_at: null,
});
