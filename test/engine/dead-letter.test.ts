/** A dead letter keeps what fits: value, then headers, then key give way, in that order, and it says so. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { classify, type Item } from '../../engine/core/classify.ts'
import { writeDeadLetter } from '../../engine/core/dead-letter.ts'
import { HeaderMemo } from '../../engine/core/header-memo.ts'
import { position } from '../../engine/core/numbers.ts'
import { idle, KeptOutputs, planOf, recordOf, topologyOf } from './support.ts'

const plan = planOf(topologyOf(idle))

function itemOf(value: string | null, key: string | null, headers: Readonly<Record<string, string>>): Item {
  const view = recordOf(12, { value, key, headers, timestampMs: 1_234 })
  return classify(plan, new HeaderMemo(plan.topology.context), 0, { topic: 'IN', partition: 3 }, view, position(13))
}

function write(item: Item, bytesMax: number, message = 'because') {
  const outputs = new KeptOutputs()
  writeDeadLetter(outputs, { topic: 'DEAD', partitions: 1, messageBytesMax: bytesMax }, 0, item, 'order.bad', message)
  expect(outputs.written).toHaveLength(1)
  return outputs.written[0]!
}

const facts = {
  'dead-letter.reason': 'order.bad',
  'dead-letter.message': 'because',
  'dead-letter.topic': 'IN',
  'dead-letter.partition': '3',
  'dead-letter.offset': '12',
  'dead-letter.timestamp': '1234',
}

describe('a dead letter', () => {
  test('is the record as it was, with what happened to it', () => {
    expect(write(itemOf('nothing', 'k', { a: '1' }), 1_000)).toEqual({
      topic: 'DEAD',
      partition: 0,
      timestampMs: 1_234,
      key: 'k',
      text: 'nothing',
      headers: { a: '1', ...facts },
    })
  })

  test('of a record without key and value', () => {
    expect(write(itemOf(null, null, {}), 1_000)).toMatchObject({ key: null, text: null, headers: facts })
  })

  test('cuts a long message', () => {
    expect(write(itemOf('x', null, {}), 5_000, 'm'.repeat(3_000)).headers['dead-letter.message']).toBe(
      'm'.repeat(1_000),
    )
  })

  test('says more than a header of the same name from outside', () => {
    expect(write(itemOf('x', null, { 'dead-letter.reason': 'made up' }), 1_000).headers['dead-letter.reason']).toBe(
      'order.bad',
    )
  })
})

describe('what does not fit', () => {
  const value = 'v'.repeat(2_000)
  const headers = { a: 'h'.repeat(300) }

  test('the value gives way first: its beginning stays', () => {
    const written = write(itemOf(value, 'k'.repeat(300), headers), 1_500)
    expect(written.key).toHaveLength(300)
    expect(written.headers.a).toHaveLength(300)
    expect(written.headers['dead-letter.truncated']).toBe('2000')
    expect(written.text!.length).toBeGreaterThan(400)
    expect(value.startsWith(written.text!)).toBe(true)
  })

  test('then the headers', () => {
    const written = write(itemOf(value, 'k'.repeat(300), headers), 800)
    expect(written.key).toHaveLength(300)
    expect(written.headers).toEqual({ ...facts, 'dead-letter.truncated': '2000' })
  })

  test('then the key', () => {
    const written = write(itemOf(value, 'k'.repeat(300), headers), 500)
    expect(written.key).toBeNull()
    expect(written.headers).toEqual({ ...facts, 'dead-letter.truncated': '2000' })
  })

  test('without a value the headers give way', () => {
    const written = write(itemOf(null, 'k', { a: 'h'.repeat(2_000) }), 500)
    expect(written.text).toBeNull()
    expect(written.headers['dead-letter.truncated']).toBe('0')
    expect(written.headers.a).toBeUndefined()
  })

  test('whatever the sizes, it fits, and every fact stays', () => {
    const text = fc.string({ maxLength: 3_000, unit: 'grapheme' })
    fc.assert(
      fc.property(
        fc.option(text),
        fc.option(text),
        fc.dictionary(fc.stringMatching(/^[a-z]{1,10}$/), text, { maxKeys: 4 }),
        fc.integer({ min: 450, max: 8_000 }),
        (v, k, h, bytesMax) => {
          // KeptOutputs throws for what does not fit.
          const written = write(itemOf(v, k, h), bytesMax)
          expect(written.headers).toMatchObject(facts)
          if (!written.headers['dead-letter.truncated']) expect(written).toMatchObject({ text: v, key: k, headers: h })
        },
      ),
      { numRuns: 300 },
    )
  })
})
