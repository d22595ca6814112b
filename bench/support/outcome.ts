import { availableParallelism, cpus, totalmem } from 'node:os';
import { type Spread, table } from './stats.ts';

/** A number that was measured once or read off, or the spread of a number's rounds. */
export type Cell = Spread | number | string | null;

/** Things measured side by side: a row each. */
export interface Table {
  title: string;
  columns: string[];
  rows: { name: string; cells: Cell[] }[];
}

export interface Goal {
  what: string;
  unit: string;
  atMost?: number;
  atLeast?: number;
  measured: Spread | number;
}

/** What a benchmark has found out. */
export interface Outcome {
  settings: Record<string, unknown>;
  measured: Table[];
  goals: Goal[];
  /** What else must be known to read the figures. */
  notes?: string[];
}

/** What is printed, and written as JSON. */
export interface Report extends Outcome {
  name: string;
  machine: Machine;
  goals: (Goal & { reached: boolean })[];
  /** All of the goals. */
  reached: boolean;
}

export interface Machine {
  cores: number;
  model: string;
  memoryGb: number;
  platform: string;
  node: string;
  at: string;
}

export function reportOf(name: string, outcome: Outcome): Report {
  const goals = outcome.goals.map(goal => ({ ...goal, reached: isReached(goal) }));
  return { name, machine: machine(), ...outcome, goals, reached: goals.every(goal => goal.reached) };
}

function machine(): Machine {
  const { node } = process.versions;
  return {
    ...{
      cores: availableParallelism(),
      model: cpus()[0]?.model.trim() ?? '',
      memoryGb: Math.round(totalmem() / 2 ** 30),
    },
    ...{ platform: `${process.platform} ${process.arch}`, node, at: new Date().toISOString() },
  };
}

export const middleOf = (measured: Spread | number): number =>
  typeof measured === 'number' ? measured : measured.median;

/** A number that is none reaches nothing. */
function isReached({ measured, atMost, atLeast }: Goal): boolean {
  const value = middleOf(measured);
  return Number.isFinite(value) && value <= (atMost ?? Infinity) && value >= (atLeast ?? -Infinity);
}

function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Number.isInteger(value) || Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

export function textOf(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell === 'string') return cell;
  if (typeof cell === 'number') return shortNumber(cell);
  const [median, min, max] = [cell.median, cell.min, cell.max].map(shortNumber);
  return min === max ? median! : `${median} (${min}–${max})`;
}

const cellsOf = ({ columns, rows, title }: Table): string[][] => [
  [title, ...columns],
  ...rows.map(({ name, cells }) => [name, ...cells.map(textOf)]),
];

function goalCells(goals: Report['goals']): string[][] {
  const line = ({ what, unit, atMost, atLeast, measured, reached }: Report['goals'][number]) => [
    what,
    `${textOf(measured)} ${unit}`.trim(),
    `${atMost === undefined ? '≥' : '≤'} ${shortNumber((atMost ?? atLeast)!)}`,
    reached ? 'reached' : 'NOT reached',
  ];
  return [['goal', 'measured', 'wanted', ''], ...goals.map(line)];
}

/** For a terminal. */
export function tell({ measured, goals, notes = [] }: Report): string {
  const tables = measured.map(one => table(cellsOf(one)));
  return [...tables, ...(goals.length > 0 ? [table(goalCells(goals))] : []), notes.join('\n')]
    .filter(Boolean)
    .join('\n\n');
}

export const goalTable = (goals: Report['goals']): string => table(goalCells(goals));

export function markdownTable(rows: string[][]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const [header, ...body] = rows as [string[], ...string[][]];
  return [line(header), line(header.map((_, column) => (column === 0 ? '---' : '--:'))), ...body.map(line)].join('\n');
}

/** For docs/benchmarks.md. */
export function markdownOf({ name, settings, measured, goals, notes = [] }: Report): string {
  const options = Object.entries(settings).map(([key, value]) => `${key} ${value}`).join(', '); // biome-ignore format: one line reads better
  const parts = [
    `### ${name}`,
    `\`npm run bench -- ${name}\`: ${options}`,
    ...measured.map(one => markdownTable(cellsOf(one))),
    ...(goals.length > 0 ? [markdownTable(goalCells(goals))] : []),
    ...notes,
  ];
  return parts.join('\n\n');
}
