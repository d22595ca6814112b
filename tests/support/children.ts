import type { ChildProcess } from 'node:child_process';

/** The child does not outlive this process. */
export function endWithUs(child: ChildProcess): void {
  const end = () => void child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
}

/** Ended by a signal this process leaves nothing behind: what it has started is closed first. */
export function closeWithUs(close: () => Promise<unknown>): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void close().finally(() => process.exit(130)));
}
