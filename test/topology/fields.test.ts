import { describe, expect, test } from 'vitest'
import { DeadLetter } from '../../topology/errors.ts'
import { bool, byte, object, optional, text, uint32, uint32List, uuid } from '../../topology/fields.ts'

const UUID = '7D0c6f0e-4b1c-4a57-9f60-0a1b2c3d4e5f'

describe('fields', () => {
  test.each([
    ['uint32', uint32, 4294967295, 0],
    ['byte', byte, 255, 0],
    ['text', text, 'x', ''],
    ['bool', bool, true, false],
    ['object', object, { a: 1 }, {}],
    ['uint32List', uint32List, [1, 2], []],
    ['uuid', uuid, UUID, undefined],
  ] as const)('%s is read; missing or null is its zero; as optional it is undefined', (_, read, value, zero) => {
    expect(read({ f: value }, 'f')).toEqual(value)
    expect(read({}, 'f')).toEqual(zero)
    expect(read({ f: null }, 'f')).toEqual(zero)
    expect(optional<unknown>(read, {}, 'f')).toBeUndefined()
    expect(optional<unknown>(read, { f: null }, 'f')).toBeUndefined()
    expect(optional<unknown>(read, { f: value }, 'f')).toEqual(value)
  })

  test.each([
    [uint32, [4294967296, -1, 0.1, Number.POSITIVE_INFINITY, '1', true, {}, []]],
    [byte, [256, -1, 0.1, '1', false]],
    [text, [1, true, {}, []]],
    [bool, [0, 1, 'true', {}]],
    [object, [1, 'x', [], true]],
    [uint32List, [1, 'x', {}, [null], ['1'], [1, 4294967296], [-1]]],
    [uuid, [1, '', 'x', UUID.slice(1), `${UUID}0`, UUID.replaceAll('-', ''), `{${UUID}}`]],
  ] as const)('%o refuses what is of another type or range, and names the path only', (read, values) => {
    for (const value of values) {
      let error: unknown
      try {
        read({ name: value }, 'name', 'body')
      } catch (thrown) {
        error = thrown
      }
      expect(error).toBeInstanceOf(DeadLetter)
      expect((error as DeadLetter).code).toMatch(/^value\.(wrong_type|out_of_range)$/)
      expect((error as DeadLetter).message).toMatch(/^body\.name(\[\d+\])? (must be|is not)/)
    }
  })
})
