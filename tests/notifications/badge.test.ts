import fc from 'fast-check';
import type { Socket } from 'socket.io-client';
import { expect, test } from 'vitest';
import { facts as accounts } from '../../src/accounts/contract.ts';
import { events } from '../../src/notifications/contract.ts';
import { Notification } from '../../src/notifications/entities.ts';
import { eventually, type TestUser, useApp } from '../support/app.ts';
import { buildPost, buildTalk, buildThread, done, message, type TestThread } from '../support/talk.ts';
import { asStaff } from '../support/worlds.ts';

const app = useApp({ RATE_LIMITS: 'off' });

/** What a device shows: the last numbers it heard, and every row by its highest revision. */
interface Device {
  badge: { unread: number; unseen: number };
  rows: Map<string, { rev: number; read_at: string | null }>;
}

async function buildDevice(user: TestUser): Promise<Device> {
  const socket = await app.connect(user, '/notifications');
  const device: Device = { badge: { unread: 0, unseen: 0 }, rows: new Map() };
  for (const [key, event] of Object.entries(events))
    socket.on(event.name, payload => {
      expect(event.schema.safeParse(payload)).toMatchObject({ success: true });
      device.badge = payload.badge;
      if (key === 'removed') device.rows.delete(payload.notification.id);
      else if (payload.notification) device.rows.set(payload.notification.id, payload.notification);
    });
  return device;
}

interface World {
  seller: TestUser;
  buyers: { user: TestUser; thread: TestThread; socket: Socket }[];
  socket: Socket;
}

async function buildWorld(): Promise<World> {
  const { seller } = await buildTalk(app);
  const buyers = await Promise.all(
    [0, 1].map(async () => {
      const { buyer: user } = await buildTalk(app);
      const thread = await buildThread(app, { buyer: user, seller, postId: await buildPost(app, seller) });
      return { user, thread, socket: await app.connect(user, '/chat') };
    }),
  );
  return { seller, buyers, socket: await app.connect(seller, '/notifications') };
}

type Act = (world: World, n: number) => Promise<unknown>;
const listOf = async ({ seller }: World) => (await app.get(seller, '/api/notifications/?unread_only=1')).body;

const acts: Record<string, Act> = {
  message: ({ buyers }, n) => {
    const { socket, thread } = buyers[n % 2]!;
    return done(socket, 'message:send', message(thread));
  },
  answer: ({ seller, buyers }, n) => app.post(seller, '/api/chat/send/', message(buyers[n % 2]!.thread)),
  async unsend({ buyers }, n) {
    const { socket, thread } = buyers[n % 2]!;
    const { messages } = await done(socket, 'thread:history', { thread_id: thread.id });
    const own = messages.filter((one: { type: string; sender: { id: string } }) => one.type === 'text');
    const mine = own.filter((one: { sender: { id: string } }) => one.sender.id === buyers[n % 2]!.user.id);
    const chosen = mine[n % Math.max(mine.length, 1)];
    if (chosen) await done(socket, 'message:delete', { thread_id: thread.id, message_id: chosen.id });
  },
  login: ({ seller }) =>
    asStaff(app, async ({ emit }) => emit(accounts.loggedIn, { userId: seller.id, device: 'Pixel' })),
  readThread: ({ seller, buyers }, n) =>
    app.post(seller, `/api/chat/threads/${buyers[n % 2]!.thread.id}/read/`, { seq: n }),
  async readOne(world, n) {
    const { results } = await listOf(world);
    const one = results[n % Math.max(results.length, 1)];
    if (one) await done(world.socket, 'notification:read', { id: one.id });
  },
  readGroup: ({ seller, buyers }, n) =>
    app.post(seller, '/api/notifications/read/', { group_key: `thread:${buyers[n % 2]!.thread.id}` }),
  readAll: ({ socket }) => done(socket, 'notification:read-all', {}),
  look: ({ socket }) => done(socket, 'notification:list', {}),
};

async function storedBadge({ seller }: World): Promise<Device['badge']> {
  const em = app.orm.em.fork();
  const unread = { userId: seller.id, readAt: null };
  return {
    unread: await em.count(Notification, unread),
    unseen: await em.count(Notification, { ...unread, seenAt: null }),
  };
}

async function expectSame(world: World, devices: readonly Device[], act: string): Promise<void> {
  const row = await storedBadge(world);
  expect((await app.get(world.seller, '/api/auth/me/')).body.badge).toEqual(row);
  await eventually(() => {
    for (const device of devices) {
      expect([act, device.badge]).toEqual([act, row]);
      expect([...device.rows.values()].filter(one => one.read_at === null)).toHaveLength(row.unread);
    }
  }, 3_000);
}

test('the badge is the same on three devices and in REST after every action of any sequence', async () => {
  const step = fc.tuple(fc.constantFrom(...Object.keys(acts)), fc.nat(11));
  const sequences = fc.array(step, { minLength: 12, maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(sequences, async steps => {
      const world = await buildWorld();
      const devices = await Promise.all([0, 1, 2].map(() => buildDevice(world.seller)));
      for (const [act, n] of steps) {
        await acts[act]!(world, n);
        await expectSame(world, devices, act);
      }
    }),
    { numRuns: 5, seed: 20_251_130, endOnFailure: true },
  );
});

test('after many actions at once every device shows what is stored', async () => {
  const world = await buildWorld();
  const devices = await Promise.all([0, 1, 2].map(() => buildDevice(world.seller)));
  const names = Object.keys(acts);
  await Promise.all(Array.from({ length: 60 }, (_, n) => acts[names[n % names.length]!]!(world, n)));
  await expectSame(world, devices, 'all at once');
});

test('read-all spares what arrives meanwhile: nothing that was not there is read, nothing is lost', async () => {
  const world = await buildWorld();
  const sends = Array.from({ length: 40 }, (_, n) => acts['message']!(world, n));
  const reads = Array.from({ length: 10 }, async (_, n) => {
    await new Promise(resolve => setTimeout(resolve, n * 3));
    return app.post(world.seller, '/api/notifications/read-all/');
  });
  const sent = await Promise.all(sends);
  const answers = await Promise.all(reads);
  expect(answers.map(answer => answer.status)).toEqual(answers.map(() => 200));
  const rows = await app.orm.em.fork().find(Notification, { userId: world.seller.id });
  const counted = (some: readonly Notification[]) => some.reduce((sum, row) => sum + row.count, 0);
  expect(counted(rows)).toBe(sent.length);
  for (const { readAt, updatedAt } of rows)
    if (readAt) expect(updatedAt.getTime()).toBeLessThanOrEqual(readAt.getTime());
  const { unread } = (await app.get(world.seller, '/api/auth/me/')).body;
  expect(unread.messages).toBe(counted(rows.filter(row => !row.readAt)));
});
