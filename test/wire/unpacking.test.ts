import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { lz4Compress, snappyCompress } from '@platformatic/wasm-utils'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pack, unpack } from '../../engine/wire/compression.ts'
import { COMPRESSIONS } from '../../engine/wire/layout.ts'
import { WireError } from '../../engine/wire/wire-error.ts'

const packing = COMPRESSIONS.filter((name) => name !== 'none')
const code = (name: string) => expect.objectContaining({ code: name, remedy: expect.any(String) })

describe('unpacking', () => {
  const text = Buffer.from('to be or not to be, '.repeat(500))
  const zeros = Buffer.alloc(4_000_000)

  test.each(packing)('gives back what was packed, up to the limit exactly: %s', (name) => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 3000 }),
          fc
            .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 80 }), fc.nat(300)), { maxLength: 30 })
            .map((runs) => Buffer.concat(runs.flatMap(([run, times]) => Array<Uint8Array>(times).fill(run)))),
        ),
        (given) => {
          const bytes = Buffer.from(given)
          if (bytes.length === 0) return
          const packed = pack(name, bytes)
          expect(unpack(name, packed).equals(bytes)).toBe(true)
          expect(unpack(name, packed, bytes.length).equals(bytes)).toBe(true)
          expect(() => unpack(name, packed, bytes.length - 1)).toThrow(WireError)
        },
      ),
    )
  })

  test.each(packing)('a bomb is refused at the limit: %s', (name) => {
    const packed = pack(name, zeros)
    expect(packed.length).toBeLessThan(zeros.length / 15)
    expect(() => unpack(name, packed, 100_000)).toThrow(code('wire.too_large'))
    expect(unpack(name, packed)).toHaveLength(zeros.length)
  })

  test('a length announced but not there is refused before it is allocated', () => {
    // 2^32 - 1, and 64 MiB: below the limit, but five bytes cannot hold it.
    expect(() => unpack('snappy', Buffer.from('ffffffff0f00', 'hex'))).toThrow(code('wire.too_large'))
    expect(() => unpack('snappy', Buffer.from('8080802000', 'hex'))).toThrow('cannot unpack to 67108864')
  })

  test('snappy in the xerial framing: chunks are bounded together, and cut ones are refused', () => {
    const chunk = snappyCompress(text)
    const size = Buffer.alloc(4)
    size.writeUInt32BE(chunk.length)
    const framed = Buffer.concat([
      Buffer.from('82534e4150505900' + '0000000100000001', 'hex'),
      size,
      chunk,
      size,
      chunk,
    ])
    expect(unpack('snappy', framed).equals(Buffer.concat([text, text]))).toBe(true)
    expect(() => unpack('snappy', framed, text.length * 2 - 1)).toThrow(code('wire.too_large'))
    for (const cut of [1, 3, chunk.length, chunk.length + 2])
      expect(() => unpack('snappy', framed.subarray(0, framed.length - cut))).toThrow(code('wire.corrupt'))
  })

  test('lz4 frames with sizes, checksums and linked blocks', () => {
    // Block 1 is stored; block 2 is a match of 10 bytes that reaches into block 1, then a literal.
    const frame = Buffer.concat([
      Buffer.from('04224d18', 'hex'),
      Buffer.from([0x40 | 0x10 | 0x08 | 0x04, 0x40, ...Array(8).fill(0), 0]),
      Buffer.from([0x06, 0, 0, 0x80, ...Buffer.from('abcdef'), 1, 1, 1, 1]),
      Buffer.from([0x05, 0, 0, 0, 0x06, 0x06, 0x00, 0x10, 0x21, 2, 2, 2, 2]),
      Buffer.from([0, 0, 0, 0, 3, 3, 3, 3]),
    ])
    expect(unpack('lz4', frame).toString()).toBe('abcdefabcdefabcd!')
  })

  // One compressed block behind a frame header with 64 KiB blocks; bytes stand behind the block.
  test.each([
    ['a match before the start', '10610200'],
    ['a match at no distance', '10610000'],
    ['literals past the block', '7061'],
    ['a literal length that is cut', 'f0ff'],
    ['a match that is cut', '106101'],
    ['a match length that is cut', '1f610100ff'],
    ['more than a block holds', `1f610100${'ff'.repeat(258)}00`],
    ['more literals than a block holds', `f0${'ff'.repeat(258)}00${'61'.repeat(65_805)}`],
  ])('lz4 with %s is refused', (_why, hex) => {
    const size = Buffer.alloc(4)
    size.writeUInt32LE(hex.length / 2)
    const frame = Buffer.concat([Buffer.from('04224d18604000', 'hex'), size, Buffer.from(hex, 'hex'), Buffer.alloc(99)])
    expect(() => unpack('lz4', frame)).toThrow(code('wire.corrupt'))
  })

  test.each([
    ['a copy before the start', '0600610504'],
    ['a copy at no distance', '0600610500'],
    ['a copy past the length announced', '0300610501'],
    ['literals past the length announced', '010461'.padEnd(10, '61')],
    ['literals past the end', '201c6161'],
    ['less than announced', '050061'],
    ['a two-byte copy that is cut', '0500610e01'],
    ['a four-byte copy that is cut', '0500610f010000'],
    ['a length that is cut', '80f4ff'],
  ])('snappy with %s is refused', (_why, hex) => {
    expect(() => unpack('snappy', Buffer.from(hex, 'hex'))).toThrow(code('wire.corrupt'))
  })

  test('snappy copies with offsets of one, two and four bytes', () => {
    const stream = Buffer.from('10' + '08616263' + '0103' + '0a0300' + '1707000000', 'hex')
    expect(unpack('snappy', stream).toString()).toBe('abcabcabcaabcabc')
  })

  const samples = {
    gzip: gzipSync(text),
    zstd: zstdCompressSync(text),
    lz4: lz4Compress(text),
    snappy: snappyCompress(text),
  }
  test.each(packing)('cut or changed bytes are refused or give bounded bytes: %s', (name) => {
    const sample = samples[name]
    for (let cut = 0; cut < sample.length; cut++) expect(() => unpack(name, sample.subarray(0, cut))).toThrow(WireError)
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(sample.length - 1), fc.nat(255)), { maxLength: 5 }), (changes) => {
        const bytes = Buffer.from(sample)
        for (const [at, value] of changes) bytes[at] = value
        try {
          expect(unpack(name, bytes, 50_000).length).toBeLessThanOrEqual(50_000)
        } catch (error) {
          expect(error).toBeInstanceOf(WireError)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('other formats are refused', () => {
    for (const name of packing) {
      expect(() => unpack(name, Buffer.alloc(0))).toThrow(code('wire.corrupt'))
      expect(() => unpack(name, deflateSync(text))).toThrow(WireError)
    }
  })
})
