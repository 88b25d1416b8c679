/**
 * Two projects. `unit` needs nothing but this folder and runs in parallel; `integration` needs a broker and a Redis,
 * which its global setup starts once, and runs file after file: its tests share both and two cores.
 */
import { defineConfig } from 'vitest/config'

const needsServers = ['test/integration/**/*.test.ts', 'test/embedded/**/*.test.ts']

export default defineConfig({
  test: {
    reporters: [['default', { summary: false }], './test/support/summary-reporter.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: needsServers,
          // One process per core for all files, each module loaded once: a third of the time. So a test that changes
          // something global (an environment variable, a module's state) has to put it back.
          isolate: false,
          // A test that hangs must name itself; none of these waits for anything outside.
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: needsServers,
          globalSetup: ['test/global-setup.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
