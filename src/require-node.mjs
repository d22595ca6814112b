import { enableCompileCache } from 'node:module';

// Preloaded with --import wherever src/ is run. The platform package node-* brings Node 26; where npm left it out
// (--omit=optional, an unusual platform) an older system Node would fail with an obscure syntax error instead of this.
const NEEDED = 26;
if (Number(process.versions.node.split('.')[0]) < NEEDED) {
  process.stderr.write(
    `Parthub runs on Node ${NEEDED} or newer; this is Node ${process.versions.node}.\n` +
      'npm normally installs Node 26 beside the project: run "npm ci" without --omit=optional, or install Node 26.\n',
  );
  process.exit(1);
}

// Compiled code, types already stripped, is kept beside the packages: a start then takes half of the time. In a folder that
// may not be written it is done without.
enableCompileCache?.(new URL('../node_modules/.cache/node', import.meta.url).pathname);
