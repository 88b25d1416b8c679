/**
 * `npm test`: every test of both projects, or those of the paths that are given. Ends with one plain line,
 * `N passed, N failed`, behind everything else that is said; exit code 1 when anything failed or nothing ran.
 */
import { startVitest } from 'vitest/node'
import { countResults, summaryLine } from '../test/support/summary-reporter.ts'

const vitest = await startVitest('test', process.argv.slice(2), {
  watch: false,
  reporters: [['default', { summary: false }]],
})
const counts = countResults(vitest.state.getTestModules(), vitest.state.getUnhandledErrors())
// Stops the servers of the global setup, which may have something to say.
await vitest.close()
if (counts.failed > 0 || counts.passed === 0) process.exitCode = 1
process.stdout.write(`${summaryLine(counts)}\n`)
