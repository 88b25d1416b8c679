/** Limits made so small that short histories reach them: writes in several chunks, reads in several slices. In every run. */
import { type Edit, edit } from './edit.ts'

export const LIMITS: readonly Edit[] = [
  edit('stores/core/write-plan.ts', 'CHUNK_CHANGES_MAX = 3_900', 'CHUNK_CHANGES_MAX = 5'),
  edit('stores/core/read-plan.ts', 'SLICE_VALUES_MAX = 4_000', 'SLICE_VALUES_MAX = 4'),
  edit('stores/core/read-plan.ts', 'SLICE_ALL_FIELDS_MAX = 10_000', 'SLICE_ALL_FIELDS_MAX = 3'),
  edit('engine/core/restore.ts', 'RESTORE_CHANGES_MAX = 5_000', 'RESTORE_CHANGES_MAX = 7'),
]
