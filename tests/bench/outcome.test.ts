import { expect, test } from 'vitest';
import { type Goal, markdownOf, reportOf, tell } from '../../bench/support/outcome.ts';
import { ratioOf, spreadOf } from '../../bench/support/stats.ts';

const goal = (more: Partial<Goal>): Goal => ({ what: 'speed', unit: '×', measured: 1, ...more });
const report = (...goals: Goal[]) => reportOf('chat', { settings: { rounds: 3 }, measured: [], goals });

test('a goal is reached by its median, and a benchmark when all of its goals are', () => {
  const measured = { median: 2, min: 1, max: 9 };
  expect(report(goal({ atLeast: 2, measured }), goal({ atMost: 2, measured }))).toMatchObject({ reached: true });
  const missed = report(
    goal({ atLeast: 2.1, measured }),
    goal({ atMost: 1.9, measured }),
    goal({ atMost: 2, measured }),
  );
  expect(missed.goals.map(one => one.reached)).toEqual([false, false, true]);
  expect(missed.reached).toBe(false);
});

test('what could not be measured is told as not reached', () => {
  for (const measured of [Number.NaN, Number.POSITIVE_INFINITY, spreadOf([])]) {
    const found = report(goal({ atMost: 5, measured }));
    expect(found.reached).toBe(false);
    expect(tell(found)).toContain('NOT reached');
    expect(markdownOf(found)).toContain('NOT reached');
  }
});

test('a ratio is taken round by round, so that a slow round of the machine slows neither side', () => {
  expect(ratioOf([100, 50, 100], [200, 100, 200])).toEqual({ median: 0.5, min: 0.5, max: 0.5 });
});

test('a table has the median with the lowest and the highest of its rounds', () => {
  const rows = [{ name: 'parthub', cells: [spreadOf([30, 10, 20]), 5, null] }];
  const found = reportOf('chat', {
    settings: {},
    measured: [{ title: 'chat', columns: ['a', 'b', 'c'], rows }],
    goals: [],
  });
  expect(tell(found)).toContain('20 (10–30)');
  expect(markdownOf(found)).toContain('| parthub | 20 (10–30) | 5 |  |');
});
