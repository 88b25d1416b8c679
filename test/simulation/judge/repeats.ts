/**
 * I12: a batch done again gives the same bytes. Looks at every output ever written, also of transactions that were
 * aborted: whatever says it is output n of a key must be the same each time.
 */
import { valueOf } from '../../../engine/core/headers.ts'
import { position } from '../../../engine/core/numbers.ts'
import { FetchedRecords } from '../../../engine/wire/fetched-records.ts'
import type { SimKafka } from '../model/kafka.ts'
import type { SimOutput } from '../topology.ts'
import { Violation } from './violation.ts'

/** How many outputs were written more than once. Throws Violation. */
export function judgeRepeats({ cluster }: SimKafka): number {
  const first = new Map<string, string>()
  let repeats = 0
  for (const log of cluster.topics.get('out')!.logs) {
    const reader = new FetchedRecords(log.readAll(position(0)).records, [], position(0))
    for (let view = reader.next(); view; view = reader.next()) {
      const { k, n } = JSON.parse(String(valueOf(view))) as SimOutput
      const text = `${view.timestampMs} ${view.bytes.toString('latin1', Math.max(view.keyStart, 0), view.headersEnd)}`
      const before = first.get(`${k} ${n}`)
      if (before === undefined) first.set(`${k} ${n}`, text)
      else if (before !== text)
        throw new Violation('I12', `output ${n} of ${k} was written as ${before} and as ${text}`)
      else repeats++
    }
  }
  return repeats
}
