/** What the proxy must understand of a request, and answers of a broker's making, as bytes. Pure. */

/** Makes the body of an answer from the whole request frame. */
export type Forgery = (request: Buffer) => Buffer

/** Of the request header, which every version has at the same place. */
export function clientIdOf(frame: Buffer): string {
  const length = frame.readInt16BE(12)
  return length < 0 ? '' : frame.toString('utf8', 14, 14 + length)
}

/** A frame with a response header of version 1 (every flexible API). */
export function bodyAt(correlation: number, body: Buffer): Buffer {
  const frame = Buffer.alloc(9 + body.length)
  frame.writeInt32BE(5 + body.length, 0)
  frame.writeInt32BE(correlation, 4)
  body.copy(frame, 9)
  return frame
}

/** EndTxn v5 and InitProducerId v5: throttle time, code, producer id, epoch, no tags. */
export const identityRefused =
  (code: number): Forgery =>
  () => {
    const body = Buffer.alloc(17)
    body.writeInt16BE(code, 4)
    body.writeBigInt64BE(-1n, 6)
    body.writeInt16BE(-1, 14)
    return body
  }

/** TxnOffsetCommit v5: the same code for every partition that the request names. */
export const offsetsRefused =
  (code: number): Forgery =>
  (frame) => {
    const reader = new FrameReader(frame)
    reader.skipHeader()
    reader.text() // transactional id
    reader.text() // group
    reader.skip(8 + 2 + 4) // producer id, epoch, generation
    reader.text() // member
    reader.text() // instance
    const topics = Array.from({ length: reader.count() }, () => {
      const name = reader.text()
      const partitions = Array.from({ length: reader.count() }, () => {
        const partition = reader.int32()
        reader.skip(8 + 4) // offset, leader epoch
        reader.text() // metadata
        reader.tags()
        return partition
      })
      reader.tags()
      return { name, partitions }
    })
    const parts: Buffer[] = [Buffer.alloc(4), varint(topics.length + 1)]
    for (const { name, partitions } of topics) {
      parts.push(varint(name.length + 1), Buffer.from(name), varint(partitions.length + 1))
      for (const partition of partitions) {
        const entry = Buffer.alloc(7)
        entry.writeInt32BE(partition, 0)
        entry.writeInt16BE(code, 4)
        parts.push(entry)
      }
      parts.push(Buffer.alloc(1))
    }
    parts.push(Buffer.alloc(1))
    return Buffer.concat(parts)
  }

function varint(value: number): Buffer {
  const bytes: number[] = []
  let left = value
  for (; left > 0x7f; left >>>= 7) bytes.push((left & 0x7f) | 0x80)
  bytes.push(left)
  return Buffer.from(bytes)
}

class FrameReader {
  readonly #frame: Buffer
  #at = 0

  constructor(frame: Buffer) {
    this.#frame = frame
  }

  /** Length, key, version, correlation, client id, tags. */
  skipHeader(): void {
    this.#at = 14 + Math.max(0, this.#frame.readInt16BE(12))
    this.tags()
  }

  skip(bytes: number): void {
    this.#at += bytes
  }

  int32(): number {
    this.#at += 4
    return this.#frame.readInt32BE(this.#at - 4)
  }

  /** Of a compact array or string: what is stored is one more. */
  count(): number {
    return this.#varint() - 1
  }

  text(): string {
    const length = Math.max(0, this.count())
    this.#at += length
    return this.#frame.toString('utf8', this.#at - length, this.#at)
  }

  tags(): void {
    for (let left = this.#varint(); left > 0; left--) {
      this.#varint()
      this.skip(this.#varint())
    }
  }

  #varint(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.#frame[this.#at++]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
}
