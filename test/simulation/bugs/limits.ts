/** Limits made so small that short histories reach them: writes in several chunks, reads in several slices. In every run. */
import { type Edit, edit } from './edit.ts'

export const LIMITS: readonly Edit[] = [
  edit('stores/core/write-plan.ts', 'CHUNK_CHANGES_MAX = 3_900', 'CHUNK_CHANGES_MAX = 5'),
  edit('stores/core/read-plan.ts', 'SLICE_VALUES_MAX = 4_000', 'SLICE_VALUES_MAX = 4'),
  edit('stores/core/read-plan.ts', 'SLICE_ALL_FIELDS_MAX = 10_000', 'SLICE_ALL_FIELDS_MAX = 3'),
  // A new producer id every few transactions.
  edit('testing/kafka/transactions.ts', 'EPOCH_MAX = 32_766', 'EPOCH_MAX = 9'),
  edit('engine/core/batch.ts', '  recordsMax: 10_000', '  recordsMax: 9'),
  edit('engine/core/batch.ts', 'outputBytesMax: 8 * 1024 * 1024', 'outputBytesMax: 1_500'),
  edit('engine/core/intake.ts', 'BUFFER_BYTES_MAX = 2 * 1024 * 1024', 'BUFFER_BYTES_MAX = 1_200'),
  edit('engine/instance.ts', 'requestBytesMax: 8 * 1024 * 1024', 'requestBytesMax: 900'),
  edit('engine/instance.ts', 'transactionBytesMax: 32 * 1024 * 1024', 'transactionBytesMax: 2_500'),
  edit('engine/core/restore.ts', 'RESTORE_CHANGES_MAX = 5_000', 'RESTORE_CHANGES_MAX = 7'),
]
