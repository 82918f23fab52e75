import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Real processes on shared machines: two at a time is what two cores carry.
    maxWorkers: 2,
    globalSetup: ['tests/support/global.ts'],
    reporters: ['default'],
  },
});
