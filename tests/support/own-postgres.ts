import { startEmbeddedPostgres } from '../../src/common/embedded-postgres.ts';

// A process of its own that starts PostgreSQL on the folder it is given, says so, and stops when its stdin ends.
process.on('SIGINT', () => {}); // as a server that still drains
const postgres = await startEmbeddedPostgres({ dataDir: process.argv[2]! });
process.stdout.write(`${JSON.stringify({ url: postgres.url, owned: postgres.owned })}\n`);
for await (const _ of process.stdin);
await postgres.stop();
process.exit();
