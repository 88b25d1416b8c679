/** The README's tables and drawings, and the other references, against the sources they are of. */
import { describe, expect, test } from 'vitest'
import {
  CATCH_UP_READERS_MAX,
  CLIENT_BUFFER_BYTES_MAX,
  FILTER_VALUES_MAX,
  HEARTBEAT_MS,
  RECENT_EVENTS_MAX,
  STALLED_MAX_MS,
  SUBSCRIBERS_MAX,
} from '../../api/events/limits.ts'
import { readConfig } from '../../config.ts'
import { stateKey, TASK_FIELDS, taskKeys } from '../../stores/core/keys.ts'
import { describe as describeTopology } from '../../topology/describe.ts'
import { noteOrder, notes, notesByTenant } from '../../topology/notes/state.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { codeBlocks, read, rows, section } from './pages.ts'

const readme = read('README.md')

describe('the variables of the README', () => {
  const source = read('config.ts')
  const schema = /const schema = z\.object\(\{\n([\s\S]*?)\n\}\)/.exec(source)?.[1] ?? ''
  const names = [...schema.matchAll(/^ {2}([A-Z_]+):/gm)].map(([, name = '']) => name)
  const fromFiles = [...(/const SECRETS = \[([^\]]*)\]/.exec(source)?.[1] ?? '').matchAll(/'([A-Z_]+)'/g)].map(
    ([, name = '']) => name,
  )
  const table = rows(section(readme, 'Operate it')).map(([name = '', initial = '']) => ({
    name: name.replace(' ¹', '').replaceAll('`', ''),
    fromFile: name.endsWith('¹'),
    initial,
  }))

  test('are those that are read', () => {
    expect(names.length).toBeGreaterThan(20)
    expect(table.map(({ name }) => name).sort()).toEqual([...names].sort())
  })

  test('say which may come from a file', () => {
    const marked = table.filter(({ fromFile }) => fromFile).map(({ name }) => name)
    expect(marked.sort()).toEqual(fromFiles.sort())
  })

  test('have the defaults that apply', () => {
    const defaults: Readonly<Record<string, unknown>> = readConfig({})
    for (const { name, initial } of table) {
      const expected = name in defaults ? String(defaults[name]) : ''
      expect([name, initial === '(embedded)' ? '' : initial]).toEqual([name, expected])
    }
  })
})

test('the drawing of the README is that of the topology', () => {
  const drawing = codeBlocks(readme).find(({ language }) => language === 'mermaid')
  expect(drawing?.code).toBe(describeTopology(noteTopology).mermaid)
})

test('the topology that the README shows is that of an example', () => {
  const shown = codeBlocks(readme).find(({ language }) => language === 'ts')
  expect(shown?.code.length).toBeGreaterThan(500)
  expect(read('examples/01-counter-per-key.ts')).toContain(shown?.code)
})

describe('docs/redis-keys.md', () => {
  const page = read('docs/redis-keys.md')
  const keys = rows(section(page, 'Redis keys')).map(([key = '']) => key)
  const { task, lease, paused, prefix } = taskKeys('app', 0)
  const general = (key: string): string => key.replace(prefix, '{<app>:<task>}:')

  test('has every kind of key', () => {
    const state = stateKey({ prefix, task, lease, paused }, '<version>', '<store>', '')
    expect(keys).toEqual(
      expect.arrayContaining([
        general(task),
        general(lease),
        general(paused),
        `${general(state)}<key>`,
        '{<app>:<task>}:<version>:<index>:<group>',
      ]),
    )
  })

  test('has the keys of the note service', () => {
    const key = notes.keyText({ tenantId: '<tenant>', characterId: 7 }).replace(/7$/, '<characterId>')
    const groups = [noteOrder, notesByTenant].map(({ name }) => name)
    expect(keys).toContain(`{notes:<task>}:<version>:${notes.name}:${key}`)
    for (const name of groups)
      expect(
        keys.some((k) => k.startsWith(`{notes:<task>}:<version>:${name}:`)),
        name,
      ).toBe(true)
  })

  test('has the fields of a task', () => {
    const fields = rows(section(page, "The task's hash")).flatMap(([cell = '']) => cell.split(', '))
    expect(fields.sort()).toEqual(Object.values(TASK_FIELDS).sort())
  })
})

test('the client that docs/events.md shows is that of an example', () => {
  const shown = codeBlocks(read('docs/events.md')).find(({ language }) => language === 'ts')
  expect(shown?.code.length).toBeGreaterThan(300)
  expect(read('examples/04-subscribe-to-events.ts')).toContain(shown?.code)
})

test('docs/events.md has the bounds that apply', () => {
  const text = read('docs/events.md')
  expect(text).toContain(`One process serves ${SUBSCRIBERS_MAX.toLocaleString('en')} streams`)
  expect(text).toContain(`the last ${RECENT_EVENTS_MAX.toLocaleString('en')} events in memory`)
  expect(text).toContain(`(${CATCH_UP_READERS_MAX} at a time`)
  expect(text).toContain(`up to ${FILTER_VALUES_MAX}, separated`)
  expect([CLIENT_BUFFER_BYTES_MAX, HEARTBEAT_MS, STALLED_MAX_MS]).toEqual([1024 * 1024, 15_000, 30_000])
})
