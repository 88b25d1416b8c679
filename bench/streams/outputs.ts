/** What came out of a run: the committed records of a topic, counted, and summed without regard to their order. */
import { crc32c } from '@node-rs/crc32'
import { position } from '../../engine/core/numbers.ts'
import type { Kafka } from '../../engine/ports.ts'
import { logEnd, readRecords } from '../../operations/records.ts'

export interface Outputs {
  readonly records: number
  /** Over key and value of each record; equal for the same records in any order. */
  readonly sum: bigint
}

export async function outputsOf(kafka: Kafka, topic: string, partitions: number): Promise<Outputs> {
  const fetch = kafka.fetchClient()
  let records = 0
  let sum = 0n
  try {
    for (let partition = 0; partition < partitions; partition++) {
      const end = await logEnd(kafka, { topic, partition })
      await readRecords(fetch, { topic, partition }, position(0), end, 'wait', (view) => {
        const { bytes, keyStart, keyEnd, valueStart, valueEnd } = view
        records++
        sum += BigInt(crc32c(bytes.subarray(keyStart, keyEnd))) * BigInt(crc32c(bytes.subarray(valueStart, valueEnd)))
      })
    }
  } finally {
    await fetch.close()
  }
  return { records, sum }
}
