import { setTimeout as pause } from 'node:timers/promises';

/**
 * Warms up, then prints `begin` and `end` around the measured time, by which `runLoad` reads what processes use; returns its
 * seconds.
 */
export async function measureWindow(
  { warmUpMs, measureMs }: { warmUpMs: number; measureMs: number },
  setMeasuring: (isMeasuring: boolean) => void,
  phase?: string,
): Promise<number> {
  const tell = (word: string) => process.stdout.write(phase === undefined ? `${word}\n` : `${word} ${phase}\n`);
  await pause(warmUpMs);
  tell('begin');
  setMeasuring(true);
  const began = performance.now();
  await pause(measureMs);
  const seconds = (performance.now() - began) / 1000;
  setMeasuring(false);
  tell('end');
  return seconds;
}
