import { defineConfig } from 'vitest/config';

/** What each `npm run` walks; `npm test` takes the short form of everything. */
const WALKS: Record<string, string[]> = {
  pages: ['pages.test.ts'],
  measure: ['budget.test.ts', 'scrolling.test.ts'],
  screenshots: ['screenshots.ts'],
};

export default defineConfig(({ mode }) => ({
  test: {
    include: WALKS[mode] ?? ['*.test.ts'],
    globalSetup: ['start.ts'],
    reporters: ['default', './reporter.ts'],
    // One browser at a time: what is measured, and what two windows do to each other, wants the machine for itself.
    pool: 'forks',
    fileParallelism: false,
    maxWorkers: 1,
    isolate: false,
    env: { WALK: mode },
    testTimeout: 60_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 10_000, interval: 50 } },
    retry: 0,
  },
}));
