import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { endWithUs } from '../../tests/support/children.ts';

const run = promisify(execFile);
const preload = ['--import', './src/require-node.mjs'];

export interface DemoServer {
  url: string;
  /** Runs a command of the CLI beside the server and returns its answer. */
  cli(...args: string[]): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

/** A server of the demo's own: embedded database, free port, limits for tests, a folder that is removed afterwards. */
export async function startServer(): Promise<DemoServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'parthub-demo-'));
  const env = { ...process.env, DATA_DIR: dataDir, PORT: '0', RATE_LIMITS: 'relaxed', DEBUG: '1', LOG_LEVEL: 'info' };
  const child = spawn(process.execPath, [...preload, 'src/main.ts'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  endWithUs(child);
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', line => {
      const found = /listens on (http:\/\/\S+)/.exec(line)?.[1];
      if (found) resolve(found);
    });
    child.once('exit', code => reject(new Error(`the server ended with ${code}`)));
  });
  return {
    url,
    cli: cliOf(env),
    async close() {
      const exited = new Promise(resolve => child.once('exit', resolve));
      child.kill('SIGINT');
      await exited;
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** A server that runs already; the CLI reaches its database by the same environment. */
export function runningServer(url: string): DemoServer {
  return { url, cli: cliOf(process.env), close: async () => {} };
}

function cliOf(env: NodeJS.ProcessEnv): DemoServer['cli'] {
  return async (...args) => {
    const { stdout } = await run(process.execPath, [...preload, 'src/cli.ts', ...args, '--json'], {
      env: { ...env, LOG_LEVEL: 'warn' },
    }).catch(error => error);
    const answer = JSON.parse(stdout || '{"ok":false}');
    if (!answer.ok) throw new Error(`${args.join(' ')}: ${JSON.stringify(answer.error)}`);
    return answer;
  };
}
