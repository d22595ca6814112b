import { defineConfig } from 'vitest/config';

// Checks that need programs which the tests cannot bring: `npm run check:nginx` needs nginx on PATH.
export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    include: ['deploy/*.check.ts'],
    globalSetup: ['tests/support/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
