/** The id of an event: what it says, and what is refused. */
import { describe, expect, test } from 'vitest'
import { EVENT_ID_LENGTH_MAX, encodeEventId, incarnationOf, parseEventId } from '../../subscribe/core/event-id.ts'
import { covers, furthest } from '../../subscribe/core/positions.ts'
import { randomOf } from './support.ts'

describe('an event id', () => {
  test('begins with topic, partition and offset of the event', () => {
    expect(encodeEventId('status', '0badcafe', 2, [5, 0, 18])).toBe('status:2:17,0:4,1:-1@0badcafe')
  })

  test('says the next offset of every partition', () => {
    expect(parseEventId('status:2:17,0:4,1:-1@0badcafe')).toEqual({
      topic: 'status',
      incarnation: '0badcafe',
      positions: new Map([
        [2, 18],
        [0, 5],
        [1, 0],
      ]),
    })
  })

  test('of one partition alone, as people write it, is read', () => {
    expect(parseEventId('a.b-c_D:0:41')).toEqual({ topic: 'a.b-c_D', incarnation: null, positions: new Map([[0, 42]]) })
  })

  test('comes back as it was made', () => {
    const random = randomOf(4)
    for (let run = 0; run < 500; run++) {
      const positions = Array.from({ length: 1 + Math.floor(random() * 40) }, () => Math.floor(random() * 2 ** 40))
      const first = Math.floor(random() * positions.length)
      const id = parseEventId(encodeEventId('t', 'ffffffff', first, positions))
      expect([...id!.positions].sort(([a], [b]) => a - b)).toEqual([...positions.entries()])
    }
  })

  test.each([
    '',
    'status',
    'status:0',
    'status:0:',
    'status:0:x',
    'status:0:-2',
    'status:-1:0',
    'status:0:1,',
    'status:0:1,0:2',
    'status:0:9007199254740993',
    'status:0:99999999999999999',
    'sta tus:0:1',
    'status:0:1@xyz',
    'status:0:1\n',
    ` status:0:1`,
    `status:0:1${',1:1'.repeat(EVENT_ID_LENGTH_MAX)}`,
  ])('%j is none', (text) => {
    expect(parseEventId(text)).toBeNull()
  })

  test('tells a topic by the beginning of its id', () => {
    expect(incarnationOf('0BADCAFE-0000-0000-0000-000000000001')).toBe('0badcafe')
  })
})

describe('places', () => {
  test('cover each other or not', () => {
    expect(covers([3, 4], [3, 4])).toBe(true)
    expect(covers([3, 3], [3, 4])).toBe(false)
    expect(covers([3], [3, 1])).toBe(false)
    expect(covers([3, 1], [3])).toBe(true)
  })

  test('are joined by the furthest of each', () => {
    expect(furthest([1, 5], [2, 3, 4])).toEqual([2, 5, 4])
    expect(furthest([2, 3, 4], [1, 5])).toEqual([2, 5, 4])
  })
})
