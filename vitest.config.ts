import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/support/global-setup.ts'],
    setupFiles: ['tests/support/setup.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // Files build their own worlds and share nothing but modules, which are loaded once for all of them.
    isolate: false,
    maxWorkers: 2,
  },
});
