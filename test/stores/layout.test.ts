import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  checkLayout,
  decodeCheckpoint,
  encodeCheckpoint,
  entryName,
  parseEntryName,
  parseStateKey,
  stateKey,
  taskKeys,
  versionName,
  versionOf,
} from '../../stores/core/layout.ts'
import { escapeText, unescapeText } from '../../stores/core/text.ts'
import { checkpointOf, layoutOf } from './layout-fixture.ts'

/** Any text that JSON can carry, lone surrogates included. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 }).map((units) => String.fromCharCode(...units)),
  fc.constantFrom('%uD800', '%', '%2F', 'a:b', '/', '{x}', '*'),
)

describe('escaping', () => {
  it('keeps ordinary keys readable', () => {
    expect(escapeText('AZaz09._~:@-')).toBe('AZaz09._~:@-')
    expect(escapeText("a b/ü%{}*?[]'()!€😀\u0000")).toBe(
      'a%20b%2F%C3%BC%25%7B%7D%2A%3F%5B%5D%27%28%29%21%E2%82%AC%F0%9F%98%80%00',
    )
    expect(escapeText('\ud800')).toBe('%uD800')
  })

  it('comes back, and uses nothing that has a meaning in keys, names or patterns', () => {
    fc.assert(
      fc.property(text, (given) => {
        const escaped = escapeText(given)
        expect(unescapeText(escaped)).toBe(given)
        expect(escaped).toMatch(/^[A-Za-z0-9._~:@%-]*$/)
      }),
    )
  })
})

describe('entry names', () => {
  it('are paths of escaped parts', () => {
    expect(entryName('notes', 'a/b', '1')).toBe('notes/a%2Fb/1')
    expect(entryName('totals', 'c:1', null)).toBe('totals/c:1')
    expect(entryName('totals', '', null)).toBe('totals/')
  })

  it('come back', () => {
    fc.assert(
      fc.property(text, fc.option(text), (key, field) => {
        expect(parseEntryName(entryName('notes', key, field))).toEqual({ store: 'notes', key, field })
      }),
    )
  })

  it.each(['', 'notes', '/a', 'a/b/c/d', 'notes/%FF', 'checkpoint'])('are not made up of %j', (name) => {
    expect(parseEntryName(name)).toBeNull()
  })
})

describe('keys', () => {
  const keys = taskKeys('my app', 3)

  it('share the hash tag of their task', () => {
    expect(keys).toEqual({
      prefix: '{my%20app:3}:',
      task: '{my%20app:3}:task',
      lease: '{my%20app:3}:lease',
      paused: '{my%20app:3}:paused',
    })
    expect(stateKey(keys, 'v1', 'notes', 'c:1')).toBe('{my%20app:3}:v1:notes:c:1')
  })

  it('come back', () => {
    fc.assert(
      fc.property(text, (key) => {
        const version = versionName(Uint8Array.of(1, 2, 3))
        const parsed = parseStateKey(keys, stateKey(keys, version, 'notes', key))
        expect(parsed).toEqual({ version, name: 'notes', text: key })
      }),
    )
  })

  it.each(['{my%20app:3}:task', '{my%20app:4}:v1:notes:1', '{my%20app:3}:v1:notes', 'v1:notes:1'])(
    'of others are not state: %s',
    (key) => expect(parseStateKey(keys, key)).toBeNull(),
  )

  it('belong to a version only when a store made it up', () => {
    const version = versionName(new Uint8Array(10).fill(255))
    expect(version).toMatch(/^v[0-9a-z]{16}$/)
    expect(versionOf(keys, stateKey(keys, version, 'notes', '1'))).toBe(version)
    expect(versionOf(keys, `${keys.prefix}backup:notes:1`)).toBeNull()
    expect(versionOf(keys, keys.task)).toBeNull()
    expect(versionOf(keys, `{other:3}:${version}:notes:1`)).toBeNull()
  })

  it('refuse names that would make them ambiguous', () => {
    const layout = layoutOf('app')
    const broken = (change: object) => () => checkLayout({ ...layout, ...change })
    expect(broken({})).not.toThrow()
    expect(broken({ stores: [{ name: 'a:b', kind: 'map' }] })).toThrow(expect.objectContaining({ code: 'layout.name' }))
    expect(broken({ stores: [...layout.stores, { name: 'by-tenant', kind: 'map' }] })).toThrow('by-tenant')
    expect(broken({ stores: [] })).toThrow(expect.objectContaining({ code: 'layout.index' }))
  })
})

describe('the checkpoint text', () => {
  const checkpoint = checkpointOf(7, 'v1')

  it('comes back and begins with the state version', () => {
    expect(decodeCheckpoint(encodeCheckpoint(checkpoint))).toEqual(checkpoint)
    expect(encodeCheckpoint(checkpoint)).toMatch(/^\{"stateVersion":"v1",/)
  })

  it('keeps the group, and has none where none was written', () => {
    expect(decodeCheckpoint(encodeCheckpoint({ ...checkpoint, groupId: 'Notes Service' }))?.groupId).toBe(
      'Notes Service',
    )
    expect(decodeCheckpoint(encodeCheckpoint(checkpoint))).not.toHaveProperty('groupId')
  })

  it.each([
    ['no object', '[]'],
    ['cut off', encodeCheckpoint(checkpoint).slice(0, -1)],
    ['without a version', JSON.stringify({ ...checkpoint, stateVersion: '' })],
    ['with a batch that is text', JSON.stringify({ ...checkpoint, batch: '7' })],
    ['with an offset that is no integer', JSON.stringify({ ...checkpoint, offset: 1.5 })],
    ['with an offset beyond a double', JSON.stringify({ ...checkpoint, offset: 2 ** 60 })],
    ['without positions', JSON.stringify({ ...checkpoint, positions: undefined })],
    ['with positions of another shape', JSON.stringify({ ...checkpoint, positions: { in: 5 } })],
    ['with counters that are a list', JSON.stringify({ ...checkpoint, counters: [1] })],
  ])('is none when it is %s', (_what, broken) => expect(decodeCheckpoint(broken)).toBeNull())

  it('is none when there is none', () => expect(decodeCheckpoint(null)).toBeNull())
})
