import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { DeadLetter } from '../../topology/errors.ts'
import { type JsonObject, json } from '../../topology/json.ts'
import type { Decoder } from '../../topology/sources.ts'

const asIs = json((object) => object)

function refusal(decode: Decoder<unknown>, value: string | Buffer | null): DeadLetter {
  try {
    decode(typeof value === 'string' ? Buffer.from(value) : value)
  } catch (error) {
    if (error instanceof DeadLetter) return error
    throw error
  }
  throw new Error('the value was accepted')
}

const bom = Buffer.from([0xef, 0xbb, 0xbf])

describe('json', () => {
  test.each<[string, string | Buffer | null]>([
    ['value.empty', null],
    ['value.empty', ''],
    ['value.not_utf8', Buffer.from([0xc3, 0x28])],
    ['value.not_utf8', Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')])],
    ['value.not_utf8', Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xc0, 0x80]), Buffer.from('"}')])],
    ['value.not_json', Buffer.from('{"a":1}', 'utf16le')],
    ['value.not_json', Buffer.concat([bom, Buffer.from('{}')])],
    ['value.not_json', bom],
    ['value.not_json', ' '],
    ['value.not_json', '{'],
    ['value.not_json', '{}{}'],
    ['value.not_json', '{"a":1,}'],
    ['value.not_json', "{'a':1}"],
    ['value.not_json', '{"a":NaN}'],
    ['value.not_json', '{"a":01}'],
    ['value.not_json', '{"a":"\n"}'],
    ['value.not_json', '{"a":1}\0'],
    ['value.wrong_type', 'null'],
    ['value.wrong_type', '[]'],
    ['value.wrong_type', '7'],
    ['value.wrong_type', '"{}"'],
    ['value.wrong_type', 'true'],
  ])('%s', (code, value) => {
    expect(refusal(asIs, value).code).toBe(code)
  })

  test('reads ASCII, UTF-8 and white space around it', () => {
    expect(asIs(Buffer.from(' {"a":1}\r\n'))).toEqual({ a: 1 })
    expect(asIs(Buffer.from('{"a":"世\u007f\u0080"}'))).toEqual({ a: '世\u007f\u0080' })
  })

  test('the message quotes nothing of a value that is not JSON', () => {
    expect(refusal(asIs, '{"password":hunter2}').message).not.toContain('hunter2')
  })

  test('a field given twice: the last one counts', () => {
    expect(asIs(Buffer.from('{"a":1,"a":2}'))).toEqual({ a: 2 })
  })

  test('__proto__ is a field like any other', () => {
    const object = asIs(Buffer.from('{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}'))
    expect((object as JsonObject).admin).toBeUndefined()
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype)
    expect(({} as JsonObject).admin).toBeUndefined()
  })

  test.each([100_000, 400_000])('%d deep is read or refused, and never ends the process', (depth) => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      const text = `{"a":${open.repeat(depth)}1${close.repeat(depth)}}`
      expect(asIs(Buffer.from(text))).toHaveProperty('a')
      expect(refusal(asIs, text.slice(0, -2)).code).toBe('value.not_json')
    }
  })

  test('the bytes may change after the call', () => {
    const bytes = Buffer.from('{"a":"b"}')
    const object = asIs(bytes)
    bytes.fill(0)
    expect(object).toEqual({ a: 'b' })
  })

  test('a failure of a decoder of one’s own is not disguised', () => {
    const broken = json(() => {
      throw new TypeError('mistake')
    })
    expect(() => broken(Buffer.from('{}'))).toThrow(TypeError)
  })
})

describe('json with a zod schema', () => {
  const decode = json(
    z.object({
      type: z.literal('A'),
      size: z.int().min(0).max(255),
      items: z.array(z.object({ name: z.string().min(1) })).optional(),
    }),
  )

  test('answers the output of the schema', () => {
    expect(decode(Buffer.from('{"type":"A","size":1,"more":2}'))).toEqual({ type: 'A', size: 1 })
  })

  test.each([
    ['value.wrong_type', 'type', '{"size":1}'],
    ['value.wrong_type', 'size', '{"type":"A","size":"1"}'],
    ['value.out_of_range', 'size', '{"type":"A","size":256}'],
    ['value.out_of_range', 'size', '{"type":"A","size":-1}'],
    ['value.wrong_type', 'items[1].name', '{"type":"A","size":1,"items":[{"name":"x"},{}]}'],
    ['value.out_of_range', 'items[0].name', '{"type":"A","size":1,"items":[{"name":""}]}'],
  ])('%s names %s', (code, path, value) => {
    const error = refusal(decode, value)
    expect(error.code).toBe(code)
    expect(error.message.startsWith(`${path}: `)).toBe(true)
  })

  test('names and explanations are cut', () => {
    const record = json(z.record(z.string(), z.int()))
    const message = refusal(record, `{"${'k'.repeat(10_000)}":"x"}`).message
    expect(message.length).toBeLessThan(300)
    const strict = json(z.strictObject({}))
    expect(refusal(strict, `{"${'k'.repeat(10_000)}":1}`).message.length).toBeLessThan(300)
  })

  test('__proto__ of the value is harmless', () => {
    const open = json(z.looseObject({ a: z.int() }))
    const message = open(Buffer.from('{"a":1,"__proto__":{"admin":true}}')) as JsonObject
    expect(message.a).toBe(1)
    expect(({} as JsonObject).admin).toBeUndefined()
  })
})
