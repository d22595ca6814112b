// Writes what is made from the code: documents, .env.example, the client's contract. With --check it writes nothing and exits 1 when one of
// them is out of date.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { buildAsyncApi } from '../src/common/asyncapi.ts';
import { packageVersion } from '../src/common/documents.ts';
import { errorCatalogue } from '../src/common/errors.ts';
import { buildOpenApi } from '../src/common/openapi.ts';
import { environment } from '../src/config.ts';
import { contracts } from '../src/contracts.ts';
import { buildClientContract } from './client/contract.ts';

function errorsPage(): string {
  const rows = Object.entries(errorCatalogue).map(
    ([code, { status, message, retryable }]) =>
      `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${message} |`,
  );
  return `# Errors

Both doors answer with these codes: REST as \`application/problem+json\` with the status, sockets in \`error\` of the ack,
and where a namespace refuses a handshake in \`data\` of \`connect_error\`, whose \`message\` is the code.
After \`unavailable\` and \`internal\` the outcome of a write is unknown: repeat it with the same \`client_id\` or
\`Idempotency-Key\`. Every other code means that nothing was stored. \`retryable\`: the same request may succeed later,
unchanged; \`retry_after_ms\` says when, if the server knows.

| code | status | retryable | meaning |
|---|---|---|---|
${rows.join('\n')}
`;
}

function envExample(): string {
  const lines = Object.entries(environment.shape).map(([name, schema]) => {
    const preset = schema.safeParse(undefined).data;
    return `# ${schema.description}\n# ${name}=${Array.isArray(preset) ? preset.join(',') : typeof preset === 'boolean' ? Number(preset) : (preset ?? '')}`;
  });
  return `# Every setting with its default. Nothing needs to be set to try Parthub: npm start works without this file.\n# Copy it to .env and take the # away where you want another value. Durations are seconds, lists comma-separated.\n\n${lines.join('\n\n')}\n`;
}

const made: Record<string, string> = {
  'docs/openapi.json': `${JSON.stringify(buildOpenApi(contracts, packageVersion()), null, 2)}\n`,
  'docs/asyncapi.json': `${JSON.stringify(buildAsyncApi(contracts, packageVersion()), null, 2)}\n`,
  'docs/errors.md': errorsPage(),
  '.env.example': envExample(),
  'src/client/contract.ts': buildClientContract(contracts),
};

const stale = Object.entries(made).filter(([file, text]) => !existsSync(file) || readFileSync(file, 'utf8') !== text);
if (process.argv.includes('--check')) {
  for (const [file] of stale) process.stderr.write(`${file} is out of date: run npm run docs\n`);
  process.exit(stale.length > 0 ? 1 : 0);
}
mkdirSync('docs', { recursive: true });
for (const [file, text] of stale) writeFileSync(file, text);
process.stdout.write(`${stale.length} of ${Object.keys(made).length} documents written\n`);
