/** Histories on paper: read again from a seed or a file, and told in lines. */
import { readFileSync } from 'node:fs'
import { generate } from './generate.ts'
import type { History } from './history.ts'

export const readHistory = (from: string): History =>
  /^\d+$/.test(from) ? generate(Number(from)) : (JSON.parse(readFileSync(from, 'utf8')) as History)

export function describe({ events, ...rest }: History): string {
  const lines = events.map(
    ({ atMs, kind, ...event }) => `${String(atMs).padStart(6)} ms ${kind} ${JSON.stringify(event)}`,
  )
  return [JSON.stringify(rest), ...lines].join('\n')
}
