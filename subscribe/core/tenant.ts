/** Whose an event is: the header that every record of a tenant carries. */
import { isUuid } from '../../topology/fields.ts'
import { lastWellFormed, type RecordHeaders } from '../../topology/headers.ts'

/** UUID in lower case; null: the record says none. A header given twice: the last well-formed one counts. */
export function tenantOf(headers: RecordHeaders): string | null {
  return lastWellFormed(headers, 'TENANT_ID', uuidText) ?? null
}

function uuidText(value: Buffer): string | undefined {
  if (value.length !== 36) return undefined
  const text = value.toString('latin1')
  return isUuid(text) ? text.toLowerCase() : undefined
}
