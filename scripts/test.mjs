/**
 * `npm test`: every test of both projects, or what vitest's own arguments choose. Ends with one plain line,
 * `N passed, N failed`, behind everything else that is said; exit code 1 when anything failed or nothing ran.
 */
import { parseCLI, startVitest } from 'vitest/node'
import { countResults, summaryLine } from '../test/support/summary-reporter.ts'

const { filter, options } = parseCLI(['vitest', 'run', ...process.argv.slice(2)])
const vitest = await startVitest('test', filter, {
  ...options,
  watch: false,
  reporters: [['default', { summary: false }]],
})
const found = countResults(vitest.state.getTestModules(), vitest.state.getUnhandledErrors())
// What goes wrong before any test, as servers that do not start, is no test's failure and must not look like success.
const counts = process.exitCode && found.failed === 0 ? { ...found, failed: 1 } : found
// Stops the servers of the global setup, which may have something to say.
await vitest.close()
if (counts.failed > 0 || counts.passed === 0) process.exitCode = 1
process.stdout.write(`${summaryLine(counts)}\n`)
