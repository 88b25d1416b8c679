/** Seeds each bug into a process of its own and tells which are found. Owns the table. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Arguments } from '../arguments.ts'
import { BUGS } from './list.ts'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
const SECONDS_MAX = 60

interface Found {
  readonly name: string
  readonly rule: string | null
  readonly line: string
}

/** False: one of them was not found. */
export async function runBugs({ seed, seconds }: Arguments): Promise<boolean> {
  const results: Found[] = []
  const startedMs = performance.now()
  for (const { name } of BUGS) {
    const result = await search(name, seed, Math.min(seconds, SECONDS_MAX))
    results.push(result)
    console.log(`${result.rule === null ? 'NOT FOUND' : `found ${result.rule}`.padEnd(9)}  ${name}: ${result.line}`)
  }
  const missing = results.filter((r) => r.rule === null).map((r) => r.name)
  const states = results.reduce((sum, { line }) => sum + Number(/(\d+) states/.exec(line)?.[1] ?? 0), 0)
  const elapsed = Math.round((performance.now() - startedMs) / 1_000)
  const gaps = missing.length > 0 ? `; not found: ${missing.join(', ')}` : ''
  console.log(
    `${results.length - missing.length} of ${results.length} seeded bugs are found in ${elapsed} s, ${states} states visited${gaps}.`,
  )
  return missing.length === 0
}

async function search(name: string, seed: number, seconds: number): Promise<Found> {
  const child = spawn(process.execPath, [MAIN, '--bug', name, '--seed', String(seed), '--seconds', String(seconds)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  child.stdout.on('data', (bytes) => (text += String(bytes)))
  child.stderr.on('data', (bytes) => (text += String(bytes)))
  await new Promise((resolve) => child.on('close', resolve))
  const line = text.trim().split('\n').at(-1) ?? ''
  const rule = /breaks rule (\w+)/.exec(line)?.[1] ?? null
  // What no rule foresees is a mistake of the edit, or of the simulation.
  return { name, rule: rule === 'crash' ? null : rule, line: rule === 'crash' ? text.trim().split('\n')[0]! : line }
}
