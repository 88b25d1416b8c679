/** The simulation as it is called: a short run breaks no rule, a seeded bug is found, and a history repeats itself. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
const TIMEOUT_MS = 60_000

function simulate(...args: readonly string[]): { status: number | null; last: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' })
  return { status, last: (stdout + stderr).trim().split('\n').at(-1) ?? '' }
}

describe('simulation', () => {
  it('breaks no rule', { timeout: TIMEOUT_MS }, () => {
    const { status, last } = simulate('--seconds', '2', '--seed', '1')
    expect(last).toContain('no rule is broken')
    expect(status).toBe(0)
  })

  it('finds a seeded bug', { timeout: TIMEOUT_MS }, () => {
    const { status, last } = simulate('--bug', 'abort of N keeps N+1', '--seconds', '20')
    expect(last).toMatch(/breaks rule I\d/)
    expect(status).toBe(1)
  })

  it('repeats a history', { timeout: TIMEOUT_MS }, () => {
    const first = simulate('--replay', '7')
    expect(first.last).toContain('no rule is broken')
    expect(simulate('--replay', '7')).toEqual(first)
  })
})
