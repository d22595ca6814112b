import { expect, test } from 'vitest';
import { groupCommit } from '../../src/common/group-commit.ts';

interface Job {
  n: number;
  lane: string;
  connection?: string;
}

/** Batches are recorded and stay open until they are released. */
function recorder(maxBatch = 256, maxWaitMs = 10_000) {
  const batches: number[][] = [];
  const open: (() => void)[] = [];
  const commit = groupCommit<Job, number>({
    maxWaitMs,
    refuse: () => new Error('waited too long'),
    maxBatch,
    lanes: [job => job.lane, job => job.connection],
    run: async jobs => {
      batches.push(jobs.map(job => job.n));
      await new Promise<void>(resolve => open.push(resolve));
      return jobs.map(job =>
        job.n < 0 ? { status: 'rejected', reason: job.n } : { status: 'fulfilled', value: job.n },
      );
    },
  });
  const turn = () => new Promise(resolve => setImmediate(() => setImmediate(resolve)));
  return { commit, batches, turn, release: () => open.shift()?.() };
}

test('the first caller is run at once, alone', async () => {
  const { commit, batches, turn, release } = recorder();
  const answer = commit.submit({ n: 1, lane: 'a' });
  await turn();
  expect(batches).toEqual([[1]]);
  release();
  expect(await answer).toBe(1);
});

test('while two batches are in flight the next one gathers', async () => {
  const { commit, batches, turn, release } = recorder();
  const answers = [commit.submit({ n: 1, lane: 'a' })];
  await turn();
  answers.push(commit.submit({ n: 2, lane: 'b' }));
  await turn();
  answers.push(...[3, 4, 5].map(n => commit.submit({ n, lane: `${n}` })));
  await turn();
  expect(batches).toEqual([[1], [2]]);
  release();
  await turn();
  expect(batches).toEqual([[1], [2], [3, 4, 5]]);
  release();
  release();
  expect(await Promise.all(answers)).toEqual([1, 2, 3, 4, 5]);
});

test.each<[string, Job[]]>([
  ['share no moment with another batch of that lane', [2, 3].map(n => ({ n, lane: 'a' }))],
  [
    'are not overtaken in a second lane of theirs',
    [
      { n: 2, lane: 'a', connection: 'x' },
      { n: 3, lane: 'b', connection: 'x' },
    ],
  ],
])('calls of one lane keep their order and %s', async (_case, rest) => {
  const { commit, batches, turn, release } = recorder();
  const answers = [commit.submit({ n: 1, lane: 'a' })];
  await turn();
  answers.push(...[...rest, { n: 4, lane: 'c', connection: 'y' }].map(job => commit.submit(job)));
  await turn();
  expect(batches).toEqual([[1], [4]]);
  release();
  await turn();
  expect(batches).toEqual([[1], [4], [2, 3]]);
  release();
  release();
  expect(await Promise.all(answers)).toEqual([1, 2, 3, 4]);
});

test('a batch takes no more than its most, and what is left behind goes next', async () => {
  const { commit, batches, turn, release } = recorder(2);
  const answers = [1, 2, 3].map(n => commit.submit({ n, lane: 'a' }));
  await turn();
  expect(batches).toEqual([[1, 2]]);
  release();
  await turn();
  release();
  expect(await Promise.all(answers)).toEqual([1, 2, 3]);
});

test('one bad call fails alone', async () => {
  const { commit, turn, release } = recorder();
  const answers = Promise.allSettled([1, -2, 3].map(n => commit.submit({ n, lane: `${n}` })));
  await turn();
  release();
  expect((await answers).map(answer => answer.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

test('who has waited too long is refused, under way or not, and what was not begun never is', async () => {
  const { commit, batches, turn, release } = recorder(1, 50);
  const answers = Promise.allSettled([1, 2, 3].map(n => commit.submit({ n, lane: `${n}` })));
  await turn();
  expect((await answers).map(answer => answer.status)).toEqual(['rejected', 'rejected', 'rejected']);
  release();
  release();
  await turn();
  expect(batches).toEqual([[1], [2]]);
  const later = commit.submit({ n: 4, lane: 'a' });
  await turn();
  release();
  expect(await later).toBe(4);
});

test('the time of a caller runs from the moment at which it began to wait; whose is over is not begun', async () => {
  const { commit, batches, turn } = recorder(1, 3_600_000);
  void commit.submit({ n: 1, lane: 'a' });
  const late = commit.submit({ n: 2, lane: 'b' }, performance.now() - 3_600_001);
  await expect(late).rejects.toThrow('waited too long');
  await turn();
  expect(batches).toEqual([[1]]);
});
