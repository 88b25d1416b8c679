/**
 * Records of __transaction_state, as a coordinator writes them. Key: int16 version 0, string transactional id. Value, versions
 * 0 and 1 alike as far as it is read here: int16 version, int64 producer id, int16 epoch, int32 timeout, int8 state.
 * Source: TransactionLogKey.json, TransactionLogValue.json, TransactionState of Kafka 4.3.
 */
import { keyOf, type RecordView, valueOf } from '../../core/headers.ts'
import type { CoordinatorEntry } from '../../ports.ts'

const KEY_VERSION = 0
const VALUE_VERSION_MAX = 1
const STATES = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence',
]
const ID_AT = 4
const PRODUCER_ID_AT = 2
const EPOCH_AT = 10
const STATE_AT = 16

/** null: of another id, a tombstone, or of a version that is not known. */
export function readTransactionLog(view: RecordView, transactionalId: Buffer): CoordinatorEntry | null {
  const key = keyOf(view)
  if (key === null || key.length !== ID_AT + transactionalId.length || key.readInt16BE(0) !== KEY_VERSION) return null
  if (!key.subarray(ID_AT).equals(transactionalId)) return null
  const value = valueOf(view)
  if (value === null || value.length <= STATE_AT) return null
  const version = value.readInt16BE(0)
  if (version < 0 || version > VALUE_VERSION_MAX) return null
  return {
    producerId: value.readBigInt64BE(PRODUCER_ID_AT),
    epoch: value.readInt16BE(EPOCH_AT),
    state: STATES[value.readInt8(STATE_AT)] ?? '',
  }
}
