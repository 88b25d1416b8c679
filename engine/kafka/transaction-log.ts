/**
 * Reads what a coordinator has written of one transactional id. Owns the position in its log while it reads. A log that is
 * compacted begins at offset 0 for ever; what is behind the end that the first answer tells was written later than asked.
 */
import { coordinatorPartition, TRANSACTIONS_TOPIC } from '../core/hanging.ts'
import { classify, codes } from '../core/kafka-errors.ts'
import { position } from '../core/numbers.ts'
import { type Code, type CoordinatorEntry, type FetchClient, RequestLost } from '../ports.ts'
import { fetchEnd } from '../wire/fetch-end.ts'
import { FetchedRecords } from '../wire/fetched-records.ts'
import { readTransactionLog } from './protocol/transaction-log.ts'

const FETCH_BYTES_MAX = 4 * 1024 * 1024
const FETCH_WAIT_MS = 500
/** A log that is longer is left: what it tells would be years of transactions. */
const LOG_BYTES_MAX = 2 ** 31

/** @throws RequestLost when a part of it cannot be read now; WireError */
export async function readPast(
  fetch: Pick<FetchClient, 'fetch'>,
  partitions: number,
  transactionalId: string,
): Promise<{ readonly code: Code; readonly entries: readonly CoordinatorEntry[] }> {
  const partition = coordinatorPartition(transactionalId, partitions)
  const id = Buffer.from(transactionalId)
  const options = { maxWaitMs: FETCH_WAIT_MS, minBytes: 1, maxBytes: FETCH_BYTES_MAX }
  const entries: CoordinatorEntry[] = []
  let at = position(0)
  let end: number | null = null
  let bytes = 0
  while (end === null || at < end) {
    const asked = { topic: TRANSACTIONS_TOPIC, partition, position: at, maxBytes: FETCH_BYTES_MAX }
    const [answer] = await fetch.fetch([asked], options)
    const code = answer?.code ?? codes.UNKNOWN_SERVER_ERROR
    if (classify(code, 'read') === 'RETRY') throw new RequestLost('Fetch', true, `${TRANSACTIONS_TOPIC}: code ${code}`)
    if (!answer || code !== 0) return { code, entries: [] }
    end ??= answer.highWatermark
    const next = fetchEnd(answer.records, at)
    // Nothing is left below the end: compaction has removed the last ones, or they are cut off by it.
    if (next <= at) break
    bytes += answer.records.length
    if (bytes > LOG_BYTES_MAX) return { code: codes.RECORD_LIST_TOO_LARGE, entries: [] }
    const records = new FetchedRecords(answer.records, answer.aborted, at)
    for (let view = records.next(); view; view = records.next()) {
      const entry = readTransactionLog(view, id)
      if (entry) entries.push(entry)
    }
    at = next
  }
  return { code: 0, entries }
}
