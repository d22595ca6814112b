import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { endWithUs } from '../../tests/support/children.ts';

/** What every npm script loads first. */
const preload = ['--import', join(import.meta.dirname, '../../src/require-node.mjs')];

export interface Started {
  pid: number;
  /** What the awaited line matched. */
  match: string;
  /** As an operator does, with all that a process does at its end. */
  end(): Promise<void>;
  stop(): Promise<void>;
}

/** Runs a TypeScript file as a process of its own and waits until it prints a line that matches. */
export async function startNode(
  file: string,
  args: string[],
  env: Record<string, string>,
  ready: RegExp,
  flags: string[] = [],
): Promise<Started> {
  const child = spawn(process.execPath, [...flags, ...preload, file, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  endWithUs(child);
  const match = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout! }).on('line', line => {
      const found = ready.exec(line);
      if (found) resolve(found[1] ?? found[0]);
    });
    child.once('exit', code => reject(new Error(`${file} ended with ${code}`)));
  });
  const stopBy = (signal: 'SIGINT' | 'SIGKILL') => async () => {
    const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : Promise.resolve();
    child.kill(signal);
    await exited;
  };
  return { pid: child.pid!, match, end: stopBy('SIGINT'), stop: stopBy('SIGKILL') };
}

/** Runs a TypeScript file to its end and returns what it printed. */
export async function runNode(
  file: string,
  args: string[],
  env: Record<string, string>,
  errors: 'inherit' | 'ignore' = 'inherit',
): Promise<string> {
  const child = spawn(process.execPath, [...preload, file, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', errors],
  });
  endWithUs(child);
  let output = '';
  child.stdout!.on('data', chunk => {
    output += chunk;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${file} ended with ${code}`);
  return output;
}
