import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { finished } from 'node:stream/promises';
import { seedLoadUsers } from '../accounts/service/load.ts';
import { seedLoadPosts, seedLoadProfiles, withoutTextIndexes } from '../b2b/service/load.ts';
import { seedLoadSubscriptions } from '../billing/service/load.ts';
import { seedPlans } from '../billing/service/plans.ts';
import { seedLoadThreads } from '../chat/service/load.ts';
import type { Context } from '../common/context.ts';
import { AppError } from '../common/errors.ts';
import { newId } from '../common/ids.ts';
import { loadId, slices } from '../common/load-ids.ts';
import type { Config } from '../config.ts';
import { type Arguments, type Host, UsageError, wholeNumber } from './commands.ts';

/** From here on it pays to build the indexes anew, which keeps others from the board meanwhile. */
const MANY_POSTS = 20_000;

interface Wish {
  users: number;
  posts: number;
  threads: number;
  plan: string;
  tokenTtlSec: number;
  out: string;
}

type Step = <T>(work: (ctx: Context<null>) => Promise<T>) => Promise<T>;
type Write = (line: object) => void;

/**
 * Users 1…N, enabled, subscribed and logged in; thread t joins buyer 2t − 1 with seller 2t about a post of that seller;
 * posts are spread over the sellers. Run again it gives the same users new tokens. With DEBUG=0 only with --confirm.
 */
export async function seedLoad(
  { core, config }: Host,
  options: Arguments['options'],
): Promise<Record<string, unknown>> {
  if (!config.DEBUG && !options['confirm']) throw new AppError('permission_denied', { needs: '--confirm' });
  const wish = readWish(options, config);
  const request = { now: new Date(), requestId: newId(), ip: 'cli', userAgent: null };
  const step: Step = work => core.executor.transaction(request, work);
  const file = await openFile(wish.out);
  const write: Write = line => void file.write(`${JSON.stringify(line)}\n`);
  const idOf = await seedUsers(step, wish, write);
  await seedPosts(step, wish, idOf);
  await seedThreads(step, wish, idOf, write);
  file.end();
  await finished(file);
  const { users, posts, threads, out } = wish;
  return { users, posts, threads, out };
}

/** Before anything is stored: tokens that are written nowhere are worth nothing. */
async function openFile(path: string): Promise<WriteStream> {
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = createWriteStream(path, { mode: 0o600 });
    await once(file, 'open');
    return file;
  } catch (error) {
    throw new UsageError(`--out cannot be written: ${(error as Error).message}`);
  }
}

function readWish(options: Arguments['options'], config: Config): Wish {
  if (options['users'] === undefined) throw new UsageError('--users is missing');
  const users = wholeNumber(options['users'], 'users', 0);
  const threads = wholeNumber(options['threads'], 'threads', 0);
  const posts = Math.max(wholeNumber(options['posts'], 'posts', 0), threads);
  if (threads * 2 > users) throw new UsageError('--threads needs two users each');
  if (posts > 0 && users < 2) throw new UsageError('--posts needs a seller: at least two users');
  return {
    ...{ users, posts, threads },
    plan: (options['plan'] as string | undefined) ?? 'premium',
    tokenTtlSec: wholeNumber(options['token-ttl'], 'token-ttl', 86_400),
    out: (options['out'] as string | undefined) ?? join(config.DATA_DIR, 'load.ndjson'),
  };
}

/** Returns the users' ids by number. */
async function seedUsers(step: Step, { users, plan, tokenTtlSec }: Wish, write: Write): Promise<string[]> {
  const idOf: string[] = [];
  await step(seedPlans);
  for (const numbers of slices(users)) {
    const made = await step(async ctx => {
      const loaded = await seedLoadUsers(ctx, numbers, tokenTtlSec);
      await seedLoadProfiles(ctx, loaded);
      await seedLoadSubscriptions(
        ctx,
        loaded.map(user => user.user_id),
        plan,
      );
      return loaded;
    });
    for (const user of made) {
      idOf[user.n] = user.user_id;
      write({ type: 'user', ...user });
    }
  }
  return idOf;
}

/**
 * A seller's posts, which other numbers of users share out otherwise: an id says whose it is, so that a post of another run
 * has the same author. Thread t is about the first one of its seller.
 */
function postId(turn: number, round: number): string {
  return loadId(round === 0 ? 'post' : `post/${round}`, turn);
}

async function seedPosts(step: Step, { users, posts }: Wish, idOf: readonly string[]): Promise<void> {
  const sellers = Math.floor(users / 2);
  const ownerOf = (n: number) => {
    const [round, turn] = [Math.floor((n - 1) / sellers), ((n - 1) % sellers) + 1];
    return { id: postId(turn, round), author_id: idOf[2 * turn]! };
  };
  if (posts < MANY_POSTS)
    for (const numbers of slices(posts)) await step(ctx => seedLoadPosts(ctx, [numbers], ownerOf));
  else await step(ctx => withoutTextIndexes(ctx, () => seedLoadPosts(ctx, slices(posts, 2_000), ownerOf)));
}

async function seedThreads(step: Step, { threads }: Wish, idOf: readonly string[], write: Write): Promise<void> {
  for (const numbers of slices(threads)) {
    const wanted = numbers.map(n => ({
      n,
      post_id: postId(n, 0),
      buyer_id: idOf[2 * n - 1]!,
      seller_id: idOf[2 * n]!,
    }));
    for (const thread of await step(ctx => seedLoadThreads(ctx, wanted))) write({ type: 'thread', ...thread });
  }
}
