/** Java reads batches of ours. Needs java (17 or later) and KAFKA_LIBS, a folder with kafka-clients; see test/fixtures/java/generate. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { encodeHeaders } from '../../engine/core/headers.ts'
import { COMPRESSIONS } from '../../engine/wire/layout.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import { readBatches } from '../../engine/wire/record-batch-reader.ts'
import { asJavaBatch, type JavaBatch, javaFixture } from './java-fixtures.ts'

const libs = process.env.KAFKA_LIBS
const missing =
  libs === undefined
    ? 'KAFKA_LIBS is not set'
    : spawnSync('java', ['-version']).status !== 0
      ? 'java is not on the PATH'
      : undefined

/** Shapes as in the fixtures, and sizes beyond one block of every compression. */
function batchFor(compression: (typeof COMPRESSIONS)[number]): Buffer {
  const builder = new RecordBatchBuilder()
  builder.add(1_700_000_000_000, null, null, encodeHeaders([]))
  builder.add(0, Buffer.alloc(0), '', encodeHeaders([]))
  builder.add(1_700_000_000_000 * 2, Buffer.from('key'), 'далеко ☃ 𝄞 \ud800', encodeHeaders([['имя', null]]))
  builder.add(1, Buffer.from('key'), Buffer.from([0, 255]), encodeHeaders([['a', Buffer.from('1')]]))
  const noise = javaFixture('records-none').bytes.subarray(0, 90_000)
  builder.add(2, Buffer.from('big'), noise, encodeHeaders([['big', noise.subarray(0, 700)]]))
  for (let i = 0; i < 3_000; i++) builder.add(i, Buffer.from(`${i}`), `{"note":${i}}`, encodeHeaders([]))
  return builder.finish({ producerId: 4_000n, epoch: 32_000, baseSequence: 17, transactional: true, compression })
}

describe.skipIf(missing !== undefined)(
  `Java reads what we write${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    test('in every compression', { timeout: 60_000 }, () => {
      const folder = mkdtempSync(join(tmpdir(), 'batches-'))
      try {
        const written = COMPRESSIONS.map(batchFor)
        const files = COMPRESSIONS.map((compression) => join(folder, `${compression}.bin`))
        for (const [index, bytes] of written.entries()) writeFileSync(files[index]!, bytes)
        const program = fileURLToPath(new URL('../fixtures/java/generate/JavaBatches.java', import.meta.url))
        const lines = execFileSync('java', ['-cp', join(libs!, '*'), program, 'dump', ...files], {
          encoding: 'utf8',
          maxBuffer: 64 * 1024 * 1024,
        })
        const read = lines
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as JavaBatch[])
        expect(read.map((batches) => batches[0]!.compression)).toEqual(COMPRESSIONS)
        for (const [index, batches] of read.entries())
          expect(batches).toEqual([...readBatches(written[index]!)].map((batch) => asJavaBatch(written[index]!, batch)))
      } finally {
        rmSync(folder, { recursive: true })
      }
    })
  },
)
