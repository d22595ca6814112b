import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';

export function askText(question: string): Promise<string> {
  return ask(question, process.stderr);
}

/** What is typed is not shown. */
export async function askSecret(question: string): Promise<string> {
  process.stderr.write(question);
  const answer = await ask('', new Writable({ write: (_chunk, _encoding, done) => done() }));
  process.stderr.write('\n');
  return answer;
}

async function ask(question: string, output: NodeJS.WritableStream): Promise<string> {
  const lines = createInterface({ input: process.stdin, output, terminal: process.stdin.isTTY === true });
  try {
    return (await lines.question(question)).trim();
  } finally {
    lines.close();
  }
}
