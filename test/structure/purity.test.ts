/** All of topology/ and every core/ folder decides and does nothing: no async, clock, chance, process or IO. */
import { describe, expect, test } from 'vitest'
import { codeOf, importsOf, programFiles, read } from './files.ts'

const pureFiles = programFiles.filter((file) => /^topology\/|\/core\//.test(file))

const forbidden: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['async code', /\b(async|await|Promise|queueMicrotask)\b/],
  ['timers', /\b(setTimeout|setInterval|setImmediate)\b/],
  ['a clock', /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)|\bperformance\b|\bhrtime\b/],
  ['chance', /\bMath\.random\b|\brandom(Bytes|UUID|Int)\b|\bgetRandomValues\b/],
  ['the process', /(?<![#.\w])process\s*[.[]|\bglobalThis\b/],
  ['the network', /(?<![#.\w])fetch\s*\(/],
  ['output', /\bconsole\s*\./],
]

const MODULES = /^(node:buffer|node:crypto|zod)$/

describe('pure folders', () => {
  test('are there', () => {
    expect(pureFiles.length).toBeGreaterThan(60)
  })

  test.each(forbidden)('hold no %s', (_, pattern) => {
    expect(pureFiles.filter((file) => pattern.test(codeOf(read(file))))).toEqual([])
  })

  test('import no module that does anything', () => {
    const modules = pureFiles.flatMap((file) => importsOf(file).map((imported) => ({ file, ...imported })))
    expect(
      modules
        .filter(({ local, target }) => !local && !MODULES.test(target))
        .map(({ file, target }) => `${file}: ${target}`),
    ).toEqual([])
  })

  test('use only the hash functions of node:crypto', () => {
    const clauses = pureFiles.flatMap((file) =>
      [...read(file).matchAll(/^import\s+\{([^}]*)\}\s+from\s+'node:crypto'/gm)].map(([, names]) => names!.trim()),
    )
    const others = clauses
      .flatMap((names) => names.split(',').map((name) => name.trim()))
      .filter((name) => !['createHash', 'hash'].includes(name))
    expect(others).toEqual([])
    const importing = pureFiles.filter((file) => importsOf(file).some(({ target }) => target === 'node:crypto'))
    expect(clauses).toHaveLength(importing.length)
  })

  test.each([
    ['async () => {}', 'async code'],
    ['const p = Promise.all([])', 'async code'],
    ['const now = Date.now()', 'a clock'],
    ['const now = new Date()', 'a clock'],
    ['Math.random()', 'chance'],
    ['process.exit(1)', 'the process'],
    ['setTimeout(run, 1)', 'timers'],
  ])('%s is found', (code, what) => {
    expect(forbidden.filter(([, pattern]) => pattern.test(codeOf(code))).map(([name]) => name)).toEqual([what])
  })

  test.each([
    '// async and await',
    "const text = 'await Promise'",
    'new Date(timestampMs)',
    'this.#process(item)',
    '/* process.exit */',
    'state.process(x)',
  ])('%s is nothing of it', (code) => {
    expect(forbidden.filter(([, pattern]) => pattern.test(codeOf(code)))).toEqual([])
  })
})
