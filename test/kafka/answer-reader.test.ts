import { Reader, Writer } from '@platformatic/kafka'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AnswerReader, MalformedAnswer } from '../../engine/kafka/protocol/answer-reader.ts'
import { allApis } from './all-apis.ts'

const reader = (...bytes: number[]) => new AnswerReader(Buffer.from(bytes))
const written = (write: (writer: Writer) => unknown) => {
  const writer = Writer.create()
  write(writer)
  return new AnswerReader(writer.buffer)
}

describe('AnswerReader', () => {
  test('reads what the client writes', () => {
    const answer = written((writer) =>
      writer
        .appendInt8(-3)
        .appendInt16(-2)
        .appendInt32(-1)
        .appendInt64(-(2n ** 60n))
        .appendInt64(2n ** 53n - 1n)
        .appendInt64(-1n)
        .appendBoolean(true)
        .appendUUID('01234567-89ab-cdef-0123-456789abcdef')
        .appendString('Grüße')
        .appendString(null)
        .appendBytes(Buffer.from([1, 2]))
        .appendBytes(null)
        .appendArray([7, 8], (writer, value) => writer.appendInt16(value))
        .appendArray(null, () => {})
        .appendTaggedFields(),
    )
    expect([answer.int8(), answer.int16(), answer.int32()]).toEqual([-3, -2, -1])
    expect([answer.int64(), answer.number64(), answer.number64()]).toEqual([-(2n ** 60n), Number.MAX_SAFE_INTEGER, -1])
    expect(answer.boolean()).toBe(true)
    expect(answer.uuid()).toBe('01234567-89ab-cdef-0123-456789abcdef')
    expect([answer.nullableString(), answer.nullableString()]).toEqual(['Grüße', null])
    expect([answer.bytes(), answer.bytes()]).toEqual([Buffer.from([1, 2]), Buffer.alloc(0)])
    expect([answer.structs((r) => r.int16()), answer.structs((r) => r.int16())]).toEqual([[7, 8], []])
    answer.tags()
    expect(answer.remaining).toBe(0)
  })

  test('bytes are a view, not a copy', () => {
    const whole = Buffer.from([3, 1, 2])
    const bytes = new AnswerReader(whole).bytes()
    whole[1] = 9
    expect([...bytes]).toEqual([9, 2])
    expect(Buffer.isBuffer(bytes)).toBe(true)
  })

  test('a client reader over several chunks becomes one buffer', () => {
    const writer = Writer.create()
      .append(Buffer.from([0, 0]))
      .append(Buffer.from([0, 5]))
      .append(Buffer.from([1]))
    const answer = AnswerReader.of(Reader.from(writer))
    expect([answer.int32(), answer.int8()]).toEqual([5, 1])
  })

  test('known tagged fields are handed over, others skipped', () => {
    const seen: number[] = []
    reader(2, 0, 2, 9, 9, 7, 2, 0, 42).tags({ 7: (tagged) => seen.push(tagged.int16()) })
    expect(seen).toEqual([42])
  })

  test.each<[string, (r: AnswerReader) => unknown, number[]]>([
    ['a string longer than the answer', (r) => r.string(), [0xff, 0x7f, 65]],
    ['bytes of four gigabytes', (r) => r.bytes(), [0xff, 0xff, 0xff, 0xff, 0x0f, 1]],
    ['an array longer than the answer', (r) => r.array((r) => r.int8()), [0xff, 0xff, 0xff, 0x7f, 1, 1]],
    ['an array of nothing', (r) => r.array(() => 0), [0xff, 0xff, 0xff, 0xff, 0x0f]],
    ['a varint without an end', (r) => r.unsignedVarint(), [0x80, 0x80, 0x80, 0x80, 0x80, 0x80]],
    ['a tagged field longer than the answer', (r) => r.tags(), [1, 0, 100, 1]],
    ['more tagged fields than bytes', (r) => r.tags(), [0xff, 0xff, 0x7f]],
    ['a cut int64', (r) => r.int64(), [0, 0, 0]],
    ['an offset beyond 2^53', (r) => r.number64(), [0x7f, 0, 0, 0, 0, 0, 0, 0]],
    ['an empty answer', (r) => r.int16(), []],
  ])('%s is malformed', (_, read, bytes) => {
    expect(() => read(reader(...bytes))).toThrow(MalformedAnswer)
  })
})

describe('hostile answers', () => {
  test.each(allApis.map((api) => [api.name, api] as const))('%s: any bytes decode or are malformed', (_, api) => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(fc.constantFrom(0, 1, 2, 3, 0x7f, 0x80, 0xff), { maxLength: 200 }).map((list) => Uint8Array.from(list)),
    )
    fc.assert(
      fc.property(bytes, (bytes) => {
        try {
          api.decode(new AnswerReader(Buffer.from(bytes)))
        } catch (error) {
          if (!(error instanceof MalformedAnswer)) throw error
        }
      }),
      { numRuns: 300 },
    )
  })
})
