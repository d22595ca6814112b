// Baseline of a start: node:http, listening, and nothing else; no TypeScript, so that not even that is loaded.
import { createServer } from 'node:http';

const server = createServer((_request, response) => response.end());
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listens on http://127.0.0.1:${server.address().port}\n`);
});
