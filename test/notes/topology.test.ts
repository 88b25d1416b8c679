import { describe, expect, test } from 'vitest'
import { describe as describeTopology } from '../../topology/describe.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { noteOrder, notes, notesByTenant } from '../../topology/notes/state.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import type { Index } from '../../topology/stores.ts'
import { create, ofType, TENANT_A } from './records.ts'

describe('the note topology', () => {
  test.each([
    ['COMMAND_TOPIC_NOTE', create(1001, 2001)],
    ['COMMAND_TOPIC_NOTE', ofType('DELETE', 1001, {})],
    ['EVENT_TOPIC_CHARACTER_STATUS', ofType('DELETED', 1001, {})],
  ])('a record of %s belongs where its characterId says', (topic, value) => {
    const source = noteTopology.sources.find((s) => s.topic === topic)
    const message = source?.decode(Buffer.from(JSON.stringify(value)))
    expect(message && source?.key(message, undefined).toString('hex')).toBe('e903000000000000')
  })

  test('a key is 8 bytes, the characterId as little-endian uint32 first', () => {
    expect(characterKey(0).toString('hex')).toBe('0000000000000000')
    expect(characterKey(0xfffffffe).toString('hex')).toBe('feffffff00000000')
  })

  test('its indexes are derived from the keys of the store', () => {
    const key = notes.keyText({ tenantId: TENANT_A, characterId: 1001 })
    const views = (index: Index) => [index.group(key, '25'), index.member(key, '25'), index.score(key, '25')]
    expect(key).toBe(`${TENANT_A}:1001`)
    expect(views(notesByTenant)).toEqual([TENANT_A, '1001:25', 25])
    expect(views(noteOrder)).toEqual([`${TENANT_A}:1001`, '25', 25])
    expect(notes.parseField('25')).toBe(25)
    expect(notesByTenant.entry(TENANT_A, '1001:25')).toEqual({
      key: { tenantId: TENANT_A, characterId: 1001 },
      field: 25,
    })
  })

  test('as text', () => expect(describeTopology(noteTopology).text).toMatchSnapshot())
  test('as data', () => expect(describeTopology(noteTopology).json).toMatchSnapshot())
  test('as a drawing', () => expect(describeTopology(noteTopology).mermaid).toMatchSnapshot())
})
