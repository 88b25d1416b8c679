/** A batch that unpacks beyond the bound becomes one record, and the next batch goes on. */
import { zstdCompressSync } from 'node:zlib'
import { crc32c } from '@node-rs/crc32'
import { expect, it } from 'vitest'
import { NO_HEADERS } from '../../engine/core/headers.ts'
import { PartitionIntake } from '../../engine/core/intake.ts'
import { position } from '../../engine/core/numbers.ts'
import { FetchedRecords } from '../../engine/wire/fetched-records.ts'
import * as at from '../../engine/wire/layout.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'

function batchAt(baseOffset: number, value: string): Buffer {
  const builder = new RecordBatchBuilder()
  builder.add(1_000, null, value, NO_HEADERS)
  const bytes = builder.finish({
    producerId: -1n,
    epoch: -1,
    baseSequence: -1,
    transactional: false,
    compression: 'none',
  })
  bytes.writeBigInt64BE(BigInt(baseOffset), at.BASE_OFFSET_AT)
  return bytes
}

/** 200 MB of zeros in a few kilobytes. */
function bombAt(baseOffset: number): Buffer {
  const body = zstdCompressSync(Buffer.alloc(200_000_000))
  const head = Buffer.from(batchAt(baseOffset, 'x').subarray(0, at.HEADER_BYTES))
  const bomb = Buffer.concat([head, body])
  bomb.writeInt32BE(bomb.length - at.FRAME_BYTES, at.LENGTH_AT)
  bomb.writeInt16BE(at.COMPRESSIONS.indexOf('zstd'), at.ATTRIBUTES_AT)
  bomb.writeUInt32BE(crc32c(bomb.subarray(at.ATTRIBUTES_AT)), at.CRC_AT)
  return bomb
}

it('passes a batch that unpacks to too much as one unreadable record', () => {
  const bytes = Buffer.concat([batchAt(0, 'before'), bombAt(1), batchAt(2, 'after')])
  const intake = new PartitionIntake('t', 0, position(0))
  intake.push(new FetchedRecords(bytes, [], position(0)), position(3))
  const seen: [number, string | null][] = []
  while (intake.peekTimestampMs() !== undefined) {
    const { positionAfter, unreadable } = intake.take()
    seen.push([positionAfter, unreadable])
  }
  expect(seen).toEqual([
    [1, null],
    [2, expect.stringContaining('134217728')],
    [3, null],
  ])
  expect(intake.bufferedBytes).toBe(0)
})
