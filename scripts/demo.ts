// The whole story on a running server, as real clients see it: npm run demo [-- --url http://127.0.0.1:8000].
// Without --url it starts a server of its own. Exit code 1 when anything is missing.
import { readFileSync } from 'node:fs';
import { readOptions } from '../bench/support/options.ts';
import { exitIfInterrupted, whileOpen } from '../tests/support/interrupt.ts';
import {
  buyerFinds,
  type Catalogue,
  devicesConnect,
  nothingIsLost,
  type Stage,
  sellersOpen,
  sellersPublish,
  theyTalk,
} from './demo/acts.ts';
import { createClient } from './demo/client.ts';
import { searchIsHit } from './demo/search-acts.ts';
import { type DemoServer, runningServer, startServer } from './demo/server.ts';
import { createTranscript } from './demo/transcript.ts';

function refuse(reason: string): never {
  process.stderr.write(`${reason}\nusage: npm run demo [-- --url URL]\n`);
  process.exit(2);
}

const values = readOptions({ options: { url: { type: 'string' } } }, refuse);
if (values.url !== undefined && !URL.canParse(values.url)) refuse(`--url ${values.url} is no address`);
const catalogue = JSON.parse(readFileSync(new URL('./demo/catalogue.json', import.meta.url), 'utf8')) as Catalogue;
const transcript = createTranscript();
const startedAt = performance.now();

async function tellStory(server: DemoServer): Promise<void> {
  const client = createClient(server.url);
  transcript.act(`Parthub at ${server.url}, ready after ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  try {
    const stage: Stage = { transcript, client, server, run: Math.floor(Math.random() * 100_000) };
    const sellers = await sellersOpen(stage, catalogue);
    const published = await sellersPublish(stage, catalogue, sellers);
    transcript.expect(`${published} parts are on the board`, published >= 200);
    const seller =
      sellers[
        catalogue.posts.find(post => post.part_number === '90919-02252' && post['intent'] !== 'buy')!.seller - 1
      ]!;
    const found = await buyerFinds(stage, seller);
    await searchIsHit(stage, found.buyer, seller);
    const outsider = sellers.find(account => account !== seller)!;
    const devices = await devicesConnect(stage, found.buyer, seller, outsider);
    const threadId = await theyTalk(stage, found, seller, devices);
    await nothingIsLost(stage, found, seller, devices, threadId);
  } catch (error) {
    transcript.expect((error as Error).message, false);
  }
  client.close();
}

const opening =
  values.url === undefined ? startServer() : Promise.resolve(runningServer(values.url.replace(/\/$/, '')));
await whileOpen(opening, tellStory).catch(exitIfInterrupted);

const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
if (transcript.missing.length === 0) process.stdout.write(`\nAll of it in ${seconds} s.\n`);
else {
  process.stdout.write(`\nMissing after ${seconds} s:\n${transcript.missing.map(what => `  ${what}\n`).join('')}`);
  process.exitCode = 1;
}
