import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { startEmbeddedPostgres } from '../src/common/embedded-postgres.ts';
import { endWithUs } from '../tests/support/children.ts';
import { type Closers, openAll } from '../tests/support/closing.ts';

const run = promisify(execFile);
const source = join(import.meta.dirname, '../src');
const preload = ['--import', join(source, 'require-node.mjs')];

export interface Target {
  url: string;
  /** Of a server of our own. */
  pid: number | null;
  close(): Promise<void>;
}

/** Makes users with tokens and threads where the server's database is; no code is sent. */
export async function seedWorld(rooms: number, out: string, env: Record<string, string> = {}): Promise<void> {
  const args = ['seed:load', '--users', `${2 * rooms}`, '--threads', `${rooms}`, '--out', out];
  await runCli(args, env);
}

export async function runCli(args: string[], env: Record<string, string>): Promise<void> {
  await run(process.execPath, [...preload, join(source, 'cli.ts'), ...args], { env: { ...process.env, ...env } });
}

/** A server as `npm start` starts it, on a durable database of its own, without limits per user. */
export async function startServer(rooms: number, tokens: string): Promise<Target> {
  return openAll(async closers => {
    const folder = await mkdtemp(join(tmpdir(), 'parthub-load-'));
    closers.push(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
    const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'pg') });
    closers.push(postgres.stop);
    const env = {
      DATABASE_URL: postgres.url,
      DATA_DIR: folder,
      SECRET_KEY: 'a secret key of load tests, longer than 32 bytes',
      ...{ DEBUG: '1', PORT: '0', LOG_LEVEL: 'info', RATE_LIMITS: 'off' },
    };
    await runCli(['migrate'], env);
    await seedWorld(rooms, tokens, env);
    return listen(env, closers);
  });
}

async function listen(env: Record<string, string>, closers: Closers): Promise<Omit<Target, 'close'>> {
  const child = spawn(process.execPath, [...preload, join(source, 'main.ts')], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  endWithUs(child);
  closers.push(() => child.kill('SIGKILL'));
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', line => {
      const found = /listens on (http:\/\/[\d.]+:\d+)/.exec(line)?.[1];
      if (found) resolve(found);
    });
    child.once('exit', code => reject(new Error(`The server ended with ${code}`)));
  });
  return { url, pid: child.pid! };
}
