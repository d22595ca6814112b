/** Prints the story as it happens, with the time each step took; colours only on a terminal. */
export interface Transcript {
  act(title: string): void;
  /** Runs a step and prints what came of it; a step that fails ends the demo. */
  step<T>(what: string, work: () => Promise<T>, say?: (result: T) => string): Promise<T>;
  /** What somebody hears on a socket or sees on a screen. */
  heard(who: string, what: string): void;
  /** Something that must be true; the demo goes on and fails at its end when it is not. */
  expect(what: string, isTrue: boolean): void;
  missing: string[];
}

export function createTranscript(out: NodeJS.WriteStream = process.stdout): Transcript {
  const paint = (code: number, text: string) => (out.isTTY ? `\x1b[${code}m${text}\x1b[0m` : text);
  const missing: string[] = [];
  return {
    missing,
    act: title => void out.write(`\n${paint(1, title)}\n`),
    async step(what, work, say = () => '') {
      const startedAt = performance.now();
      try {
        const result = await work();
        const time = `${(performance.now() - startedAt).toFixed(0)} ms`.padStart(8);
        out.write(`${paint(2, time)}  ${what}${say(result) ? `: ${say(result)}` : ''}\n`);
        return result;
      } catch (error) {
        throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
      }
    },
    heard: (who, what) => void out.write(`          ${paint(36, `${who} hears`)} ${what}\n`),
    expect(what, isTrue) {
      out.write(`          ${isTrue ? paint(32, '✓') : paint(31, '✗')} ${what}\n`);
      if (!isTrue) missing.push(what);
    },
  };
}
