/** Codes and docs/errors.md say the same: a code that is added, renamed or dropped is so in both. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { stopCodes } from '../../engine/core/stop-codes.ts'
import { programFiles, read, root } from './files.ts'

const DOCS = 'docs/errors.md'
const written = existsSync(join(root, DOCS))

/** First column of the tables below a heading, up to the next heading of its level. */
function codesBelow(heading: string, text: string): readonly string[] {
  const lines = text.split('\n')
  const at = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '').trim() === heading)
  if (at === -1) return []
  const level = /^#+/.exec(lines[at]!)![0].length
  const next = lines.findIndex((line, i) => i > at && /^#+ /.test(line) && /^#+/.exec(line)![0].length <= level)
  return lines
    .slice(at + 1, next === -1 ? undefined : next)
    .flatMap((line) => /^\|\s*`([^`]+)`\s*\|/.exec(line)?.[1] ?? [])
}

/** Codes of dead letters as the sources name them. */
const DEAD = [
  /new DeadLetter\(\s*'([^']+)'/g,
  /\breject\(\s*'([^']+)'/g,
  /#bury\(\s*item,[^\n]*'([a-z_-]+\.[a-z_]+)'/g,
  /#refusal = \{ code: '([^']+)'/g,
  /kind: 'dead', code: '([^']+)'/g,
  /deadItem\([^\n]*'([a-z_-]+\.[a-z_]+)'/g,
  /readonly code = '(record\.[a-z_]+)'/g,
]

const deadLetterCodes = (): readonly string[] => {
  const pure = programFiles.filter((file) => /^(topology|engine)\//.test(file) && file !== 'engine/core/stop-codes.ts')
  return [
    ...new Set(
      pure.flatMap((file) => DEAD.flatMap((pattern) => [...read(file).matchAll(pattern)].map(([, code]) => code!))),
    ),
  ].sort()
}

describe.skipIf(!written)(`${DOCS}${written ? '' : ' (skipped: it is not written yet)'}`, () => {
  const text = written ? read(DOCS) : ''

  test('lists every stop code once', () => {
    expect([...codesBelow('Stop codes', text)].sort()).toEqual(Object.keys(stopCodes).sort())
  })

  test('lists every code of a dead letter once', () => {
    expect([...codesBelow('Dead letters', text)].sort()).toEqual(deadLetterCodes())
  })
})

describe('stop codes', () => {
  test('are named area.reason and carry a meaning and a remedy', () => {
    for (const [code, { meaning, remedy }] of Object.entries(stopCodes)) {
      expect(code).toMatch(/^[a-z]+\.[a-z_]+$/)
      expect(meaning.length, code).toBeGreaterThan(10)
      expect(remedy.length, code).toBeGreaterThan(10)
    }
  })

  test('are the only ones with which anything stops', () => {
    const named = programFiles
      .filter((file) => /^(engine|service|stores|api)/.test(file))
      .flatMap((file) =>
        [
          ...read(file).matchAll(/(?:stopped\(|\bstop\(|#stop\(|new StartError\(|kind: 'stop', code: )\s*'([^']+)'/g),
        ].map(([, code]) => code!),
      )
    expect(named.length).toBeGreaterThan(15)
    expect([...new Set(named)].filter((code) => !(code in stopCodes))).toEqual([])
  })

  test('are all in use', () => {
    const texts = programFiles.filter((file) => file !== 'engine/core/stop-codes.ts').map(read)
    expect(Object.keys(stopCodes).filter((code) => !texts.some((text) => text.includes(`'${code}'`)))).toEqual([])
  })
})

describe('codes of dead letters', () => {
  test('are found in the sources', () => {
    expect(deadLetterCodes()).toEqual(
      expect.arrayContaining([
        'value.empty',
        'output.too_large',
        'delete.ambiguous',
        'record.too_large',
        'output.refused',
        'transform.failed',
        'decode.failed',
        'record.headers_corrupt',
      ]),
    )
  })
})
