/**
 * `npm run bench`: all of bench/*.ts one after another, each in a process of its own; `-- --quick` the most telling ones, in about
 * two minutes. `npm run bench -- <name> [options]`: one alone. Every figure is of this machine: what counts are ratios of things
 * measured side by side. `--json FILE` writes what was found, `--markdown` puts it into docs/benchmarks.md.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFigures } from './support/figures.ts';
import { OptionError } from './support/options.ts';
import { goalTable, type Outcome, type Report, reportOf, tell } from './support/outcome.ts';

interface Bench {
  run(args: string[]): Promise<Outcome>;
  /** Options for --quick; without them it is left out there. */
  quick?: string[];
}

/** In this order. */
const names = ['chat', 'profile', 'fanout', 'steady', 'start', 'scale', 'feed', 'presence', 'auth', 'admin'];

const read = (name: string): Promise<Bench> => import(join(import.meta.dirname, `${name}.ts`));
const say = (text: string) => void process.stdout.write(`${text}\n`);

function takeOption(args: string[], name: string): string | undefined {
  const at = args.indexOf(name);
  return at < 0 ? undefined : args.splice(at, 2)[1];
}

function takeFlag(args: string[], name: string): boolean {
  const at = args.indexOf(name);
  return at >= 0 && args.splice(at, 1).length > 0;
}

async function runOne(name: string, args: string[]): Promise<Report> {
  const report = reportOf(name, await (await read(name)).run(args));
  const { cores, model, node } = report.machine;
  say(`\n${name}: ${cores} cores, ${model}, Node ${node}\n\n${tell(report)}`);
  return report;
}

/** A benchmark that fails ends itself alone. */
async function runAll(isQuick: boolean): Promise<Report[]> {
  const folder = mkdtempSync(join(tmpdir(), 'parthub-bench-'));
  const reports: Report[] = [];
  for (const name of names) {
    const { quick } = await read(name);
    if (isQuick && !quick) continue;
    const file = join(folder, `${name}.json`);
    const args = [...process.execArgv, import.meta.filename, name, ...(isQuick ? quick! : []), '--json', file];
    const [code] = await once(spawn(process.execPath, args, { stdio: 'inherit' }), 'close');
    if (code === 0) reports.push(JSON.parse(readFileSync(file, 'utf8')));
    else {
      say(`${name} has FAILED`);
      process.exitCode = 1;
    }
  }
  rmSync(folder, { recursive: true });
  say(`\n${goalTable(reports.flatMap(one => one.goals))}`);
  return reports;
}

function refuse(reason: string): never {
  process.stderr.write(`${reason}\nusage: npm run bench [-- --quick] [--json FILE] [--markdown]\n       npm run bench -- ${names.join(' | ')} [options]\n`); // biome-ignore format: one line reads better
  process.exit(2);
}

/** Each benchmark has options of its own. */
function refuseOption(error: Error): never {
  if (error instanceof OptionError) refuse(error.message);
  throw error;
}

const args = process.argv.slice(2);
const file = takeOption(args, '--json');
const isForDocs = takeFlag(args, '--markdown');
const name = args[0]?.startsWith('--') ? undefined : args.shift();
if (name !== undefined && !names.includes(name)) refuse(`${name} is no benchmark`);
const found =
  name === undefined ? await runAll(takeFlag(args, '--quick')) : await runOne(name, args).catch(refuseOption);
if (file) writeFileSync(file, `${JSON.stringify(found, null, 2)}\n`);
if (isForDocs) writeFigures([found].flat());
