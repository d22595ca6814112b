import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { hasExited } from '../../src/common/embedded-postgres/postmaster.ts';
import { endWithUs } from './children.ts';
import { eventually } from './eventually.ts';

/** What every npm script loads first. */
export const preload = ['--import', join(import.meta.dirname, '../../src/require-node.mjs')] as const;

export interface ServerProcess {
  url: string;
  pid: number;
  /** Everything it has logged, once that holds what is waited for. */
  logged(awaited: RegExp): Promise<string>;
  /** As when the machine loses its power: nothing is finished, nothing is said. */
  kill(): Promise<void>;
  hasExited(): boolean;
  /** SIGTERM, as a deployment sends it; the exit code. */
  stop(): Promise<number>;
}

/** `npm start` as a process of its own, on a free port; resolves once it listens. `onLine` is told what it logs. */
export async function startServerProcess(
  env: Record<string, string>,
  onLine: (line: string) => void = () => {},
): Promise<ServerProcess> {
  const main = join(import.meta.dirname, '../../src/main.ts');
  const { DATABASE_URL: _, ...inherited } = process.env;
  const child = spawn(process.execPath, [...preload, main], {
    env: { ...inherited, NODE_ENV: 'test', PORT: '0', DEBUG: '1', LOG_LEVEL: 'info', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  endWithUs(child);
  const lines: string[] = [];
  const url = await listening(child, lines, onLine);
  return {
    url,
    logged: awaited => eventually(() => ensureLogged(lines, awaited)),
    pid: child.pid!,
    hasExited: () => hasExited(child),
    async kill() {
      if (hasExited(child)) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
    async stop() {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      return (await exited)[0] as number;
    },
  };
}

function ensureLogged(lines: readonly string[], awaited: RegExp): string {
  const log = lines.join('\n');
  if (!awaited.test(log)) throw new Error(`not logged: ${awaited}`);
  return log;
}

async function listening(child: ChildProcess, lines: string[], onLine: (line: string) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout!, child.stderr!])
      createInterface({ input: stream }).on('line', line => {
        if (lines.length < 1_000) lines.push(line);
        onLine(line);
        const found = /listens on (http:\/\/[\d.]+:\d+)/.exec(line)?.[1];
        if (found) resolve(found);
      });
    child.once('exit', code => reject(new Error(`The server ended with ${code}: ${lines.join('\n')}`)));
  });
}
