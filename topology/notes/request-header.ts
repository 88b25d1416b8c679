/** The header that names a command's request: `request-id`, UUID text of 36 characters in lower case. Internal to the service. */
import { lastWellFormed, type RecordHeaders } from '../headers.ts'

export const REQUEST_ID_HEADER = 'request-id'

const LOWER_CASE_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** The request's id; undefined without a well-formed one. Given twice, the last well-formed one counts. */
export const requestIdOf = (headers: RecordHeaders): string | undefined =>
  lastWellFormed(headers, REQUEST_ID_HEADER, lowerCaseUuid)

/** Upper case is another text, and requests are told apart by text: it is not well-formed. */
function lowerCaseUuid(bytes: Buffer): string | undefined {
  if (bytes.length !== 36) return undefined
  const text = bytes.toString('latin1')
  return LOWER_CASE_UUID.test(text) ? text : undefined
}
