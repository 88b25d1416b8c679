/** A changelog record as it was fetched, decoded. Owns nothing: the format is that of stores/core/changelog.ts. */
import { type ChangelogEntry, decodeChangelogRecord } from '../../stores/core/changelog.ts'
import { keyOf, type RecordView, valueOf } from './headers.ts'

export const changelogEntry = (view: RecordView): ChangelogEntry =>
  decodeChangelogRecord(text(keyOf(view)), text(valueOf(view)))

const text = (bytes: Buffer | null): string | null => bytes?.toString('utf8') ?? null
