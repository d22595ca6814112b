import { expect, test } from 'vitest';
import { cpuOf } from '../../bench/support/cpu.ts';
import { withFigures } from '../../bench/support/figures.ts';
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

test('a page gets the figures that were measured, and keeps the others with their machine', () => {
  const part = (name: string, text: string) => `<!-- ${name} -->\n${text}\n<!-- end of ${name} -->\n`;
  const before = `# Page\n${part('machine', 'an old one')}${part('chat', 'old')}${part('feed', 'old too')}${part('capacity', 'c')}`;
  const [chat, feed] = ['chat', 'feed'].map(name => reportOf(name, { settings: {}, measured: [], goals: [] }));
  const after = withFigures(before, [chat!]);
  expect(after).toMatch(/^# Page\n<!-- machine -->\nan old one\n<!-- end/);
  expect(after).toMatch(/<!-- chat -->\n### chat\n[^<]*\nOn \d+ cores .*\n<!-- end of chat -->/);
  expect(after).toContain(part('feed', 'old too') + part('capacity', 'c'));
  const whole = withFigures(after, [chat!, feed!]);
  expect(whole).toMatch(/<!-- machine -->\n\d+ cores .*\n<!-- end of machine -->/);
  expect(whole).not.toContain('\nOn ');
  expect(withFigures(whole, [chat!])).toBe(whole);
  expect(withFigures(whole, [])).toBe(whole);
});

test('a name with a bar in it is one cell', () => {
  const rows = [{ name: 'RegExp: a|b', cells: [1] }];
  const found = reportOf('profile', { settings: {}, measured: [{ title: 'code', columns: ['µs'], rows }], goals: [] });
  expect(markdownOf(found)).toContain('| RegExp: a\\|b | 1 |');
});

test('a process that has ended is not measured as one that did nothing', () => {
  expect(cpuOf(process.pid).user).toBeGreaterThan(0);
  expect(() => cpuOf(2 ** 30)).toThrow('has ended');
});
