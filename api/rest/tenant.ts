/** The tenant of a request: four headers, as the records of the commands carry them. Owns nothing. */
import { isUtf8 } from 'node:buffer'
import { isUuid } from '../../topology/fields.ts'
import type { HeaderEntry } from '../../topology/headers.ts'
import { ApiFailure, type Problem } from './errors.ts'

/** Values of each header by its name in lower case, as they came. */
export type DistinctHeaders = Readonly<Record<string, readonly string[] | undefined>>

/** Names and values by turns, as Node has them in `rawHeaders`, by name. */
export function distinctHeaders(raw: readonly string[]): DistinctHeaders {
  const headers: Record<string, string[]> = Object.create(null)
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at]!.toLowerCase()
    headers[name] ??= []
    headers[name].push(raw[at + 1]!)
  }
  return headers
}

export interface RestTenant {
  /** UUID in lower case. */
  readonly id: string
  /** As the headers of a record. */
  readonly headers: readonly HeaderEntry[]
}

const UINT16_MAX = 0xffff

/** Throws ApiFailure `tenant.invalid` with one problem per header. */
export function readTenant(headers: DistinctHeaders): RestTenant {
  const problems: Problem[] = []
  const read = <T>(name: string, wanted: string, parse: (text: string) => T | undefined): T | undefined => {
    const values = headers[name.toLowerCase()] ?? []
    const value = values.length === 1 ? parse(values[0]!) : undefined
    if (value === undefined) {
      const found = values.length === 0 ? 'is missing' : values.length > 1 ? 'is given twice' : `must be ${wanted}`
      problems.push({ code: 'tenant.invalid', detail: `${name} ${found}`, source: { header: name } })
    }
    return value
  }
  const id = read('TENANT_ID', 'a UUID of 36 characters', (text) => (isUuid(text) ? text.toLowerCase() : undefined))
  const region = read('REGION', 'text in UTF-8', regionBytes)
  const major = read('MAJOR_VERSION', 'a whole number from 0 to 65535', versionBytes)
  const minor = read('MINOR_VERSION', 'a whole number from 0 to 65535', versionBytes)
  if (id === undefined || region === undefined || major === undefined || minor === undefined)
    throw new ApiFailure(problems as [Problem, ...Problem[]])
  return {
    id,
    headers: [
      ['TENANT_ID', Buffer.from(id, 'latin1')],
      ['REGION', region],
      ['MAJOR_VERSION', major],
      ['MINOR_VERSION', minor],
    ],
  }
}

/** Node gives header values as latin1: these are the bytes that came. */
function regionBytes(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'latin1')
  return bytes.length > 0 && isUtf8(bytes) ? bytes : undefined
}

function versionBytes(text: string): Buffer | undefined {
  if (!/^\d{1,5}$/.test(text) || Number(text) > UINT16_MAX) return undefined
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(Number(text))
  return bytes
}
