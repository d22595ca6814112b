// Baseline: node:http and pg, nothing else. Runs for each request the statements that Parthub runs for it, and answers with
// their rows. Argument: a file with `{ [name]: { text, values }[][] }`; `/name/3` runs the fourth list of a name.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';

type Statements = Record<string, { text: string; values: unknown[] }[][]>;

const statements = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as Statements;
const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL']!, max: 10 });

async function answer(url: string): Promise<string> {
  const [, name = '', index = ''] = url.split('/');
  const answers: unknown[] = [];
  for (const { text, values } of statements[name]![Number(index)]!) answers.push((await pool.query(text, values)).rows);
  return JSON.stringify(answers);
}

const server = createServer((request, response) => {
  answer(request.url!).then(
    body => response.writeHead(200, { 'content-type': 'application/json' }).end(body),
    error => response.writeHead(500).end(String(error)),
  );
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listens on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
