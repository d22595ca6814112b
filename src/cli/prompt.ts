import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';

export interface Prompt {
  askText(question: string): Promise<string>;
  /** What is typed is not shown. */
  askSecret(question: string): Promise<string>;
}

/**
 * Asks on stderr and reads stdin by one reader, since lines that are piped in come all at once. An answer is empty when
 * the input has ended.
 */
export async function withPrompt<T>(work: (prompt: Prompt) => Promise<T>): Promise<T> {
  let isHidden = false;
  const shown = new Writable({ write: (chunk, _encoding, done) => (isHidden ? done() : process.stderr.write(chunk, done)) }); // biome-ignore format: one line reads better
  const lines = createInterface({ input: process.stdin, output: shown, terminal: process.stdin.isTTY === true });
  const answers = lines[Symbol.asyncIterator]();

  async function ask(question: string): Promise<string> {
    // Written by hand, since after the end of the input the reader refuses to; named, since it writes the line anew.
    lines.setPrompt(question);
    process.stderr.write(question);
    return ((await answers.next()).value ?? '').trim();
  }
  try {
    return await work({
      askText: ask,
      async askSecret(question) {
        isHidden = true;
        const answer = await ask(question);
        isHidden = false;
        process.stderr.write('\n');
        return answer;
      },
    });
  } finally {
    lines.close();
  }
}
