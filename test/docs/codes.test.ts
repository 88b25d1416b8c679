/** The tables of docs/errors.md against the sources: the same codes, and where the sources have a text, the same text. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { stopCodes } from '../../engine/core/stop-codes.ts'
import { eventCodes } from '../../subscribe/errors.ts'
import { topologyRules } from '../../topology/validate.ts'
import { read, root, rows, section } from './pages.ts'

const page = read('docs/errors.md')
const table = (heading: string): readonly (readonly string[])[] => rows(section(page, heading))
const codes = (heading: string): readonly string[] => table(heading).map(([code = '']) => code)

/** What the patterns capture in the sources of these folders. */
function found(folders: readonly string[], ...patterns: readonly RegExp[]): readonly string[] {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(folder, name)),
  )
  const texts = files.map(read)
  const all = texts.flatMap((text) => patterns.flatMap((pattern) => [...text.matchAll(pattern)].map((m) => m[1]!)))
  return [...new Set(all)].sort()
}

describe('docs/errors.md', () => {
  test('has every stop code, in their order, with its meaning and remedy', () => {
    expect(table('Stop codes')).toEqual(
      Object.entries(stopCodes).map(([code, { meaning, remedy }]) => [code, meaning, remedy]),
    )
  })

  test('has every code of events, with its meaning and remedy', () => {
    expect(table('Events')).toEqual(
      Object.entries(eventCodes).map(([code, { meaning, remedy }]) => [code, meaning, remedy]),
    )
  })

  test('has every rule of a topology with its remedy', () => {
    expect(table('Topology rules')).toEqual(topologyRules.map(({ code, remedy }) => [code, remedy]))
  })

  test('has every code of a dead letter', () => {
    const inSources = found(
      ['topology', 'engine'],
      /new DeadLetter\(\s*'([^']+)'/g,
      /\breject\(\s*'([^']+)'/g,
      /#bury\(\s*item,[^;]*?'([a-z_]+\.[a-z_]+)'/g,
      /code: '(output\.[a-z_]+)'/g,
      /kind: 'dead',\s*code: '([^']+)'/g,
      /deadItem\([^;]*?'([a-z_]+\.[a-z_]+)'/g,
      /readonly code = '(record\.[a-z_]+)'/g,
    )
    expect(inSources).toEqual(expect.arrayContaining(['value.empty', 'batch.too_large', 'transform.failed']))
    expect([...codes('Dead letters')].sort()).toEqual(inSources)
  })

  test('has every reason of a drop', () => {
    const inSources = found(
      ['topology', 'engine'],
      /\bdrop\('([^']+)'/g,
      /\bskipped\('([^']+)'/g,
      /kind: 'ignored',\s*reason: '([^']+)'/g,
    )
    expect(inSources.length).toBeGreaterThan(2)
    expect([...codes('Dropped')].sort()).toEqual(inSources)
  })

  test('has every code of a warning', () => {
    const inSources = found(['engine', 'stores', 'api'], /kind: 'warning',\s*code: '([^']+)'/g, /\bwarn\(\s*'([^']+)'/g)
    expect(inSources.length).toBeGreaterThan(4)
    expect([...codes('Warnings')].sort()).toEqual(inSources)
  })

  test('has every code of the embedded stack', () => {
    const inSources = found(['embedded'], /^ {2}\| '(stack\.[^']+)'/gm)
    expect(inSources.length).toBeGreaterThan(4)
    expect([...codes('Starting the stack')].sort()).toEqual(inSources)
  })

  test('has every code of the command line', () => {
    const inSources = found(['cli', 'operations'], /new OperationError\(\s*'([^']+)'/g, /\bsay\('([^']+)'/g)
    expect(inSources.length).toBeGreaterThan(6)
    expect([...codes('Command line')].sort()).toEqual(inSources)
  })

  test('explains no code twice within a table', () => {
    for (const heading of ['Stop codes', 'Dead letters', 'Dropped', 'Warnings', 'Topology rules', 'Command line'])
      expect(new Set(codes(heading)).size, heading).toBe(codes(heading).length)
  })
})
