/**
 * Writes the last line of a test run: `N passed, N failed`, with `, N skipped` where some were. Counts tests; a file that
 * cannot be loaded, or an error outside of any test, counts as one failure each.
 */
import type { Reporter, TestModule } from 'vitest/node'

export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts = countResults(modules, unhandledErrors)
    // Nothing has run: that is no success, whatever the runner makes of it.
    if (counts.passed + counts.failed === 0) process.exitCode = 1
    process.stdout.write(`${summaryLine(counts)}\n`)
  }
}

export function countResults(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): Counts {
  const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
  for (const module of modules) {
    if (module.state() === 'failed' && module.errors().length > 0) counts.failed++
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      if (state === 'passed') counts.passed++
      else if (state === 'failed') counts.failed++
      else counts.skipped++
    }
    for (const suite of module.children.allSuites()) if (suite.errors().length > 0) counts.failed++
  }
  return counts
}

export const summaryLine = ({ passed, failed, skipped }: Counts): string =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
