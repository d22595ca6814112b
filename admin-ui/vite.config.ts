import { writeFileSync } from 'node:fs';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';
import { hashSources } from '../scripts/admin-sources.ts';

const outDir = '../static/admin';

/** The build says what it was made of: `npm run check` compares. */
function noteSources(): Plugin {
  return {
    name: 'note-sources',
    closeBundle: () => writeFileSync(`${outDir}/sources.sha256`, `${hashSources(import.meta.dirname)}\n`),
  };
}

export default defineConfig({
  base: '/admin/',
  // The server puts a nonce of each answer in its place: emotion's styles need one.
  html: { cspNonce: '__CSP_NONCE__' },
  plugins: [react(), noteSources()],
  build: {
    outDir,
    emptyOutDir: true,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 2_000,
    modulePreload: { polyfill: false },
    rollupOptions: { output: { entryFileNames: 'assets/[name]-[hash].js' } },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8000', '/socket.io': { target: 'ws://127.0.0.1:8000', ws: true } } },
});
