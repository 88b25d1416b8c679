/** Whatever the documentation points at is there: pages, headings, files, npm scripts, tests. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { buildProgram } from '../../cli/program.ts'
import { anchorsOf, codeBlocks, linksOf, pages, read, root, section, withoutCode } from './pages.ts'

const there = (file: string): boolean => existsSync(join(root, file))

test('the pages are found', () => {
  expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/errors.md', 'docs/protocol.md']))
  expect(pages.length).toBeGreaterThan(15)
})

describe.each(pages)('%s', (page) => {
  test('links to what exists', () => {
    const broken = linksOf(page).filter(({ file }) => file !== '' && !there(file))
    expect(broken.map(({ text }) => text)).toEqual([])
  })

  test('links to headings that exist', () => {
    const broken = linksOf(page).filter(
      ({ file, anchor }) => anchor !== '' && file.endsWith('.md') && there(file) && !anchorsOf(file).includes(anchor),
    )
    expect(broken.map(({ text }) => text)).toEqual([])
  })

  test('names npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const text = read(page)
    const named = [...text.matchAll(/\bnpm (?:run (?:--silent )?)([a-z]+)/g)].map(([, name = '']) => name)
    if (/\bnpm start\b/.test(text)) named.push('start')
    if (/\bnpm test\b/.test(text)) named.push('test')
    expect(named.filter((name) => !(name in scripts))).toEqual([])
  })

  test('names files that exist', () => {
    const folders = 'topology|stores|engine|api|testing|embedded|operations|cli|demo|bench|examples|test|docs|scripts'
    const path = new RegExp(`(?<![\\w./-])(?:${folders})/[\\w./-]*`, 'g')
    // Paths in stores/README.md are relative to it.
    const named = page === 'stores/README.md' ? [] : [...read(page).matchAll(path)].map(([name]) => name)
    const missing = named.map((name) => name.replace(/[.,]+$/, '')).filter((name) => !there(name))
    expect(missing.filter((name) => !name.includes('NNNN'))).toEqual([])
  })
})

test('the command line has the commands that the documentation names', () => {
  const named = pages.flatMap((page) =>
    [...read(page).matchAll(/tributary -- (topology|[a-z-]+)/g)].map(([, name = '']) => name),
  )
  expect(new Set(named)).toEqual(
    new Set(['topology', 'tasks', 'pause', 'resume', 'state', 'dead-letters', 'verify', 'doctor']),
  )
  const commands = commandNames()
  for (const name of new Set(named)) expect(commands, name).toContain(name)
})

test('every decision is in their list, numbered without gaps', () => {
  const records = pages.filter((page) => /^docs\/decisions\/\d/.test(page)).sort()
  expect(records.map((page) => page.slice('docs/decisions/'.length, 'docs/decisions/'.length + 4))).toEqual(
    records.map((_, i) => String(i + 1).padStart(4, '0')),
  )
  expect(linksOf('docs/decisions/README.md').map(({ file }) => file)).toEqual(expect.arrayContaining(records))
  for (const record of records) {
    for (const heading of ['Context', 'Decision', 'Consequence', 'Measured'])
      expect(section(read(record), heading).trim(), `${record}: ${heading}`).not.toBe('')
  }
})

test('tests that a decision quotes have that name', () => {
  const page = 'docs/decisions/0010-measured-differently.md'
  const names = [...section(read(page), 'Measured').matchAll(/"([^"]+)"/g)].map(([, name = '']) =>
    name.replace(/\s+/g, ' '),
  )
  const tests = ['kafka-transactions', 'kafka-admin'].map((name) => read(`test/integration/${name}.test.ts`)).join('\n')
  expect(names.length).toBeGreaterThan(3)
  expect(names.filter((name) => !tests.includes(name))).toEqual([])
})

test('links and code are told apart', () => {
  expect(withoutCode('a\n```sh\n[x](y)\n```\nb')).toBe('a\n\nb')
  expect(codeBlocks('```ts\nx\n```\n')).toEqual([{ language: 'ts', code: 'x\n' }])
})

function commandNames(): readonly string[] {
  const io = { env: {}, out: () => {}, err: () => {}, runningStack: () => null }
  return buildProgram(io, async () => {}).commands.map((command) => command.name())
}
