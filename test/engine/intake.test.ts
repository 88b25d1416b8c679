/** What waits to be processed: order over partitions, positions, bounds. */
import { describe, expect, test } from 'vitest'
import { BUFFER_BYTES_MAX, PartitionIntake, TaskIntake } from '../../engine/core/intake.ts'
import { position } from '../../engine/core/numbers.ts'
import { Progress, progressAfter } from '../../engine/core/progress.ts'
import { cursorOf, recordOf } from './support.ts'

const at = (offset: number, timestampMs: number) => recordOf(offset, { value: `${offset}`, timestampMs })
const partition = (topic: string, number = 0, start = 0) => new PartitionIntake(topic, number, position(start))

/** Takes everything that is due, as topic:offset. */
function drain(intake: TaskIntake): string[] {
  const taken: string[] = []
  for (let due = intake.due(); due; due = intake.due()) taken.push(`${due.topic}:${due.take().view.offset}`)
  return taken
}

describe('a partition', () => {
  test('is fetched from behind what it holds', () => {
    const intake = partition('a', 0, 5)
    expect(intake.fetchPosition).toBe(5)
    intake.push(cursorOf([at(5, 1), at(6, 1)]), position(9))
    expect(intake.fetchPosition).toBe(9)
  })

  test('goes on behind each record, and behind trailing markers once a fetch is used up', () => {
    const intake = partition('a')
    intake.push(cursorOf([at(0, 1), at(1, 1)], 4), position(4))
    intake.push(cursorOf([at(6, 1)]), position(7))
    const taken = []
    while (intake.peekTimestampMs() !== undefined) taken.push(intake.take())
    expect(taken.map(({ view, positionAfter }) => [view.offset, positionAfter])).toEqual([
      [0, 1],
      [1, 4],
      [6, 7],
    ])
  })

  test('a fetch of markers alone holds nothing', () => {
    const intake = partition('a')
    intake.push(cursorOf([]), position(3))
    intake.push(cursorOf([at(3, 8)]), position(4))
    expect(intake.peekTimestampMs()).toBe(8)
    expect(intake.take().view.offset).toBe(3)
  })

  test('has room again once what it held is taken', () => {
    const intake = partition('a')
    const large = recordOf(0, { value: 'x'.repeat(BUFFER_BYTES_MAX) })
    expect(intake.full).toBe(false)
    intake.push(cursorOf([large]), position(1))
    expect(intake.full).toBe(true)
    intake.peekTimestampMs()
    intake.take()
    expect(intake.full).toBe(false)
    expect(intake.bufferedBytes).toBe(0)
  })

  test('what lies before a damage is taken; the damage is told in its turn, again and again', () => {
    const intake = partition('a')
    const sound = cursorOf([at(0, 1), at(1, 1)])
    let taken = 0
    const damaged = {
      sizeBytes: 10,
      get position() {
        return sound.position
      },
      peekTimestampMs() {
        if (taken === 2) throw new Error('checksum')
        return sound.peekTimestampMs()
      },
      next() {
        taken++
        return sound.next()
      },
    }
    intake.push(damaged, position(5))
    for (const offset of [0, 1]) {
      expect(intake.peekTimestampMs()).toBe(1)
      expect(intake.take()).toMatchObject({ view: { offset }, positionAfter: offset + 1 })
    }
    for (let i = 0; i < 2; i++) expect(() => intake.peekTimestampMs()).toThrow('a-0: checksum')
    expect(intake.isEmpty).toBe(false)
  })

  test('nothing can be taken of nothing', () => {
    expect(() => partition('a').take()).toThrow('take() without a record')
  })
})

describe('among the partitions of a task', () => {
  test('the lowest timestamp goes first, within a partition the offset', () => {
    const a = partition('a')
    const b = partition('b')
    // The second of a is older than its first: order within a partition holds all the same.
    a.push(cursorOf([at(0, 10), at(1, 3), at(2, 30)]), position(3))
    b.push(cursorOf([at(0, 5), at(1, 20)]), position(2))
    expect(drain(new TaskIntake([a, b]))).toEqual(['b:0', 'a:0', 'a:1', 'b:1', 'a:2'])
  })

  test('of equal timestamps the one declared first', () => {
    const a = partition('a')
    const b = partition('b')
    b.push(cursorOf([at(0, 5)]), position(1))
    a.push(cursorOf([at(0, 5)]), position(1))
    expect(drain(new TaskIntake([a, b]))).toEqual(['a:0', 'b:0'])
    expect(new TaskIntake([]).due()).toBeUndefined()
  })

  test('timestamps before 1970 are the lowest', () => {
    const a = partition('a')
    const b = partition('b')
    a.push(cursorOf([at(0, 0)]), position(1))
    b.push(cursorOf([at(0, -1)]), position(1))
    expect(drain(new TaskIntake([a, b]))).toEqual(['b:0', 'a:0'])
  })
})

describe('a batch that nobody can unpack', () => {
  const damaged = new Error('cannot be unpacked')
  const raw = recordOf(1, { value: 'raw', timestampMs: 7 })
  /** One good record, the damaged batch, one more good record. */
  function cursor(takeable: boolean) {
    const good = cursorOf([at(0, 1)])
    const rest = cursorOf([at(2, 9)])
    let passed = false
    return {
      peekTimestampMs() {
        const timestampMs = good.peekTimestampMs()
        if (timestampMs !== undefined) return timestampMs
        if (!passed) throw damaged
        return rest.peekTimestampMs()
      },
      next: () => good.next() ?? (passed ? rest.next() : undefined),
      takeUnreadable() {
        if (!takeable) return undefined
        passed = true
        return { view: raw, reason: 'too much' }
      },
      get position() {
        return passed ? position(rest.peekTimestampMs() === undefined ? 3 : 2) : position(1)
      },
      sizeBytes: 10,
    }
  }

  test('is one record with its reason, in its place', () => {
    const intake = partition('a')
    intake.push(cursor(true), position(3))
    const taken = []
    while (intake.peekTimestampMs() !== undefined) taken.push(intake.take())
    expect(taken.map(({ view, positionAfter, unreadable }) => [view.offset, positionAfter, unreadable])).toEqual([
      [0, 1, null],
      [1, 2, 'too much'],
      [2, 3, null],
    ])
    expect(intake.bufferedBytes).toBe(0)
  })

  test('is thrown where the log itself is damaged', () => {
    const intake = partition('a')
    intake.push(cursor(false), position(3))
    expect(intake.peekTimestampMs()).toBe(1)
    expect(() => {
      intake.take()
      intake.peekTimestampMs()
    }).toThrow('a-0: cannot be unpacked')
  })
})

describe('progress', () => {
  const before = new Progress(
    4,
    new Map([
      [
        'a',
        new Map([
          [0, position(3)],
          [2, position(7)],
        ]),
      ],
      ['b', new Map([[1, position(0)]])],
    ]),
    new Map([['n', 5]]),
  )

  test('moves what was taken, keeps the rest, and is one batch further', () => {
    const after = progressAfter(before, new Map([['a', new Map([[2, 9]])]]), new Map([['n', 6]]))
    expect(after.batch).toBe(5)
    expect(after.positionsByName()).toEqual({ a: { 0: 3, 2: 9 }, b: { 1: 0 } })
    expect([...after.counters]).toEqual([['n', 6]])
    expect(before.positionsByName()).toEqual({ a: { 0: 3, 2: 7 }, b: { 1: 0 } })
    expect(before.counters.get('n')).toBe(5)
  })

  test('keeps no hold on the counters it is given', () => {
    const counters = new Map([['n', 1]])
    const after = progressAfter(before, new Map(), counters)
    counters.set('n', 2)
    expect(after.counters.get('n')).toBe(1)
  })

  test('commits the offsets of all partitions, moved or not', () => {
    expect(before.offsets()).toEqual([
      { topic: 'a', partition: 0, position: 3 },
      { topic: 'a', partition: 2, position: 7 },
      { topic: 'b', partition: 1, position: 0 },
    ])
    expect(before.position('a', 1)).toBeUndefined()
    expect(before.position('c', 0)).toBeUndefined()
    expect(before.position('b', 1)).toBe(0)
  })
})
