/**
 * `npm run bench`: all of bench/*.ts one after another, each in a process of its own; `-- --quick` the most telling ones, in about
 * two minutes. `npm run bench -- <name> [options]`: one alone. Every figure is of this machine: what counts are ratios of things
 * measured side by side. `--json FILE` writes what was found, `--markdown` puts it into docs/benchmarks.md. Exits 1 when a benchmark
 * failed, not when a goal was missed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ending, endings, exitIfInterrupted, Interrupted } from '../tests/support/interrupt.ts';
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
  if (at < 0) return undefined;
  const [, value = '--'] = args.splice(at, 2);
  return value.startsWith('--') ? refuse(`${name} needs a value`) : value;
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

/** In a process of its own, which ends what it has begun when this one is asked to end. */
async function runApart(name: string, options: readonly string[], file: string): Promise<Report | null> {
  const args = [...process.execArgv, import.meta.filename, name, ...options, '--json', file];
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  let interrupted: Interrupted | null = null;
  const passOn = (signal: Ending) => {
    interrupted = new Interrupted(signal);
    child.kill(signal);
  };
  for (const signal of endings) process.on(signal, passOn);
  const [code] = await once(child, 'close');
  for (const signal of endings) process.off(signal, passOn);
  if (interrupted) throw interrupted;
  return code === 0 ? JSON.parse(readFileSync(file, 'utf8')) : null;
}

/** A benchmark that fails ends itself alone. */
async function runAll(isQuick: boolean): Promise<Report[]> {
  const folder = mkdtempSync(join(tmpdir(), 'parthub-bench-'));
  const reports: Report[] = [];
  try {
    for (const name of names) {
      const { quick } = await read(name);
      if (isQuick && !quick) continue;
      const report = await runApart(name, isQuick ? quick! : [], join(folder, `${name}.json`));
      if (report) reports.push(report);
      else {
        say(`${name} has FAILED`);
        process.exitCode = 1;
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
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

/** Before anything is measured. */
function ensureWritable(file: string): void {
  try {
    closeSync(openSync(file, 'a'));
  } catch (error) {
    refuse(`--json: ${(error as Error).message}`);
  }
}

const args = process.argv.slice(2);
const file = takeOption(args, '--json');
const isForDocs = takeFlag(args, '--markdown');
const name = args[0]?.startsWith('--') ? undefined : args.shift();
if (name !== undefined && !names.includes(name)) refuse(`${name} is no benchmark`);
const isQuick = name === undefined && takeFlag(args, '--quick');
if (name === undefined && args.length > 0) refuse(`${args[0]} is no option of all of them`);
if (process.platform !== 'linux') refuse('processor time is read from /proc, which only Linux has');
if (file) ensureWritable(file);
const running: Promise<Report | Report[]> =
  name === undefined ? runAll(isQuick) : runOne(name, args).catch(refuseOption);
const found = await running.catch(exitIfInterrupted);
if (file) writeFileSync(file, `${JSON.stringify(found, null, 2)}\n`);
if (isForDocs) writeFigures([found].flat());
