import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cell, markdownOf, markdownTable, middleOf, type Report, textOf } from './outcome.ts';

const page = join(import.meta.dirname, '../../docs/benchmarks.md');

/** Puts figures into docs/benchmarks.md, each between the marks of its name; what was not measured stays as it is. */
export function writeFigures(reports: readonly Report[]): void {
  const parts = reports.map(report => [report.name, markdownOf(report)] as const);
  const capacity = capacityOf(reports);
  const all = [
    ['machine', machineOf(reports)] as const,
    ...parts,
    ...(capacity ? [['capacity', capacity] as const] : []),
  ];
  let text = readFileSync(page, 'utf8');
  for (const [name, figures] of all) {
    const between = new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- end of ${name} -->)`);
    text = text.replace(between, (_, begin, end) => `${begin}${figures}\n${end}`);
  }
  writeFileSync(page, text);
}

function machineOf([first]: readonly Report[]): string {
  const { cores, model, memoryGb, platform, node, at } = first!.machine;
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
