/** Reads the fixtures of test/fixtures/java (see generate/README.md there), and describes our records in their terms. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { keyOf, type RecordView, readHeaders, valueOf } from '../../engine/core/headers.ts'
import type { BatchHeader } from '../../engine/wire/record-batch-reader.ts'
import { RecordCursor } from '../../engine/wire/record-cursor.ts'

export interface JavaRecord {
  offset: number
  timestampMs: number
  key: string | null
  value: string | null
  headers: [name: string, value: string | null][]
}

export interface JavaBatch {
  magic: number
  baseOffset: number
  lastOffset: number
  producerId: number
  epoch: number
  baseSequence: number
  isTransactional: boolean
  isControl: boolean
  logAppendTime: boolean
  maxTimestampMs: number
  compression: string
  records: JavaRecord[]
}

export interface JavaFixture {
  bytes: Buffer
  aborted: { producerId: bigint; firstOffset: number; lastOffset: number }[]
  batches: JavaBatch[]
}

const folder = new URL('../fixtures/java/', import.meta.url)

export function javaFixture(name: string): JavaFixture {
  const { aborted, batches } = JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as {
    aborted: { producerId: number; firstOffset: number; lastOffset: number }[]
    batches: JavaBatch[]
  }
  return {
    bytes: readFileSync(new URL(`${name}.bin`, folder)),
    aborted: aborted.map((range) => ({ ...range, producerId: BigInt(range.producerId) })),
    batches,
  }
}

export function javaVectors(): [key: string, hash: number, ...partitions: number[]][] {
  return JSON.parse(readFileSync(new URL('murmur2.json', folder), 'utf8')) as ReturnType<typeof javaVectors>
}

const part = (bytes: Buffer | null): string | null => {
  if (bytes === null) return null
  return bytes.length <= 256
    ? bytes.toString('hex')
    : `${bytes.length}:${createHash('sha256').update(bytes).digest('hex')}`
}

export function asJavaRecord(view: RecordView): JavaRecord {
  return {
    offset: view.offset,
    timestampMs: view.timestampMs,
    key: part(keyOf(view)),
    value: part(valueOf(view)),
    headers: readHeaders(view).map(({ name, value }) => [Buffer.from(name).toString('hex'), part(value)]),
  }
}

export function asJavaBatch(bytes: Buffer, batch: BatchHeader): JavaBatch {
  const cursor = new RecordCursor(bytes, batch)
  const records: JavaRecord[] = []
  for (let view = cursor.next(); view !== undefined; view = cursor.next()) records.push(asJavaRecord(view))
  return {
    magic: 2,
    baseOffset: batch.baseOffset,
    lastOffset: batch.lastOffset,
    producerId: Number(batch.producerId),
    epoch: batch.epoch,
    baseSequence: batch.baseSequence,
    isTransactional: batch.isTransactional,
    isControl: batch.isControl,
    logAppendTime: batch.logAppendTime,
    maxTimestampMs: batch.maxTimestampMs,
    compression: batch.compression,
    records,
  }
}
