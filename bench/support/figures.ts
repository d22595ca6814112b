import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cell, markdownOf, markdownTable, middleOf, type Report, textOf } from './outcome.ts';

/** Of several benchmarks. */
const COMPUTED = new Set(['machine', 'capacity']);
const page = join(import.meta.dirname, '../../docs/benchmarks.md');

/** Puts figures into docs/benchmarks.md. */
export function writeFigures(reports: readonly Report[]): void {
  writeFileSync(page, withFigures(readFileSync(page, 'utf8'), reports));
}

/**
 * Figures come between the marks of their name; what was not measured stays as it is. The machine of the page is that of a run of all of
 * them; figures that another one has made, or another day, say so themselves.
 */
export function withFigures(before: string, reports: readonly Report[]): string {
  const shown = [...before.matchAll(/<!-- end of (\w+) -->/g)]
    .map(([, name]) => name!)
    .filter(name => !COMPUTED.has(name));
  const isWhole = shown.every(name => reports.some(report => report.name === name));
  const capacity = capacityOf(reports);
  const parts = reports.map(report => {
    const machine = machineOf(report);
    return [
      report.name,
      markdownOf(report) + (isWhole || before.includes(machine) ? '' : `\n\nOn ${machine}`),
    ] as const;
  });
  const all = [
    ...(isWhole && reports[0] ? [['machine', machineOf(reports[0])] as const] : []),
    ...parts,
    ...(capacity ? [['capacity', capacity] as const] : []),
  ];
  let text = before;
  for (const [name, figures] of all) {
    const between = new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- end of ${name} -->)`);
    text = text.replace(between, (_, begin, end) => `${begin}${figures}\n${end}`);
  }
  return text;
}

function machineOf({ machine }: Report): string {
  const { cores, model, memoryGb, platform, node, at } = machine;
  return `${cores} cores (${model}), ${memoryGb} GB, ${platform}, Node ${node}, PostgreSQL 18, ${at.slice(0, 10)}; clients on the same cores.`;
}

/** A cell of a table by its names. */
function cell(reports: readonly Report[], name: string, row: string, column: string): Cell {
  for (const table of reports.find(one => one.name === name)?.measured ?? []) {
    const found = table.rows.find(one => one.name === row)?.cells[table.columns.indexOf(column)];
    if (found !== undefined) return found;
  }
  return null;
}

const USERS = 1_000_000;
const DEVICES = 1.2;
const MINUTES_A_MESSAGE = 5;
/** Of memory and processor: the rest is for peaks, and for those who come over from an instance that is gone. */
const PLANNED_SHARE = 0.5;
const INSTANCE_GB = 2;

/** Nothing where what it is computed from was not measured in the same run. */
function capacityOf(reports: readonly Report[]): string | null {
  const rest = cell(reports, 'start', 'in production', 'memory at rest MB');
  const each = cell(reports, 'scale', 'parthub', 'KB a connection');
  const cpu = (process: string) =>
    ['user', 'system'].map(kind => cell(reports, 'chat', 'parthub', `${process} ${kind}`));
  const [server, database] = [cpu('server'), cpu('database')];
  const isThere = (one: Cell) => one !== null && typeof one !== 'string';
  if (![rest, each, ...server, ...database].every(isThere)) return null;
  const sum = (cells: Cell[]) => cells.reduce((total: number, one) => total + middleOf(one as number), 0);
  const [restMb, eachKb, serverMs, databaseMs] = [sum([rest]), sum([each]), sum(server), sum(database)] as const;
  const perSecond = 1e6 / serverMs;
  const connections = Math.floor(((INSTANCE_GB * 1024 * PLANNED_SHARE - restMb) * 1024) / eachKb / 1_000) * 1_000;
  const messages = USERS / (MINUTES_A_MESSAGE * 60);
  const forConnections = Math.ceil((USERS * DEVICES) / connections);
  const forMessages = Math.ceil(messages / (perSecond * PLANNED_SHARE));
  return [
    markdownTable([
      ['what', 'figure', 'from'],
      ['an instance at rest', `${textOf(rest)} MB`, 'start'],
      ['an idle connection in three namespaces', `${textOf(each)} KB`, 'scale'],
      ['messages a second of one core of an instance', textOf(perSecond), 'chat: its CPU for 1,000 messages'],
      ['messages a second of one core of PostgreSQL', textOf(1e6 / databaseMs), 'chat: its CPU for 1,000 messages'],
    ]),
    `A million connected users with ${DEVICES} devices each, who write one message in ${MINUTES_A_MESSAGE} minutes, on instances of one core and ${INSTANCE_GB} GB of which half is planned with: ${connections.toLocaleString('en-US')} connections an instance, so **${forConnections} instances** for the connections and ${forMessages} for their ${Math.round(messages).toLocaleString('en-US')} messages a second; PostgreSQL needs ${((messages * databaseMs) / 1e6).toFixed(1)} cores for these. Connections decide.`,
  ].join('\n\n');
}
