import { randomUUID } from 'node:crypto';
import type { Socket } from 'socket.io-client';
import { B2bProfile, Post } from '../../src/b2b/entities.ts';
import { Participant, Thread } from '../../src/chat/entities.ts';
import { newId } from '../../src/common/ids.ts';
import { ask, type TestApp, type TestUser } from './app.ts';

export interface TestThread {
  id: string;
  postId: string;
}

export interface Talk {
  buyer: TestUser;
  seller: TestUser;
  outsider: TestUser;
  thread: TestThread;
}

/** A seller with a published post, a buyer with a thread about it, and somebody who is in neither. */
export async function buildTalk(app: TestApp): Promise<Talk> {
  const [buyer, seller, outsider] = [await buildTrader(app), await buildTrader(app), await buildTrader(app)];
  const postId = await buildPost(app, seller);
  return { buyer, seller, outsider, thread: await buildThread(app, { buyer, seller, postId }) };
}

/** A user whose business profile is enabled. */
export async function buildTrader(app: TestApp): Promise<TestUser> {
  const user = await app.buildUser();
  const em = app.orm.em.fork();
  const now = new Date();
  em.create(B2bProfile, {
    user: user.id,
    companyName: `Company ${user.id.slice(-4)}`,
    status: 'enabled',
    isEnabled: true,
    ...{ createdAt: now, updatedAt: now },
  });
  await em.flush();
  return user;
}

export async function buildPost(app: TestApp, author: TestUser, more: Partial<Post> = {}): Promise<string> {
  const em = app.orm.em.fork();
  const now = new Date();
  const post = em.create(Post, {
    id: newId(),
    author: author.id,
    status: 'published',
    intent: 'sell',
    title: 'Brake pads',
    fitments: [],
    partNorm: [],
    searchNorm: 'brake pads',
    ...{ publishedAt: now, createdAt: now, updatedAt: now },
    ...more,
  });
  await em.flush();
  return post.id;
}

/** A thread as `thread:open` makes it, without its door. */
export async function buildThread(
  app: TestApp,
  { buyer, seller, postId }: { buyer: TestUser; seller: TestUser; postId: string },
): Promise<TestThread> {
  const em = app.orm.em.fork();
  const now = new Date();
  const id = newId();
  const post = { id: postId, title: 'Brake pads', part_number: null, price: null, currency: null, status: 'published' };
  em.create(Thread, {
    ...{ id, postId, activityId: id, buyerId: buyer.id, sellerId: seller.id },
    post: { ...post, thumb_url: null },
    ...{ createdAt: now, updatedAt: now },
  });
  em.create(Participant, { threadId: id, userId: buyer.id, side: 'buyer' });
  em.create(Participant, { threadId: id, userId: seller.id, side: 'seller' });
  await em.flush();
  return { id, postId };
}

/** The payload of a send into a thread. */
export function message(thread: { id: string }, more: object = {}): { thread_id: string; client_id: string } {
  return { thread_id: thread.id, client_id: randomUUID(), ...{ text: 'Is it still available?' }, ...more };
}

/** What an accepted event was answered with; a refusal is an error. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
export async function done(socket: Socket, event: string, payload: unknown): Promise<any> {
  const ack = await ask(socket, event, payload);
  if (!ack.ok) throw new Error(`${event}: ${JSON.stringify(ack.error)}`);
  return ack.data;
}
