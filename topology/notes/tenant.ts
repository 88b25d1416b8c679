/**
 * The tenant of a record: four headers that every input must carry and every output carries on. Responsible for reading
 * and writing them; what a tenant owns is state.ts. The trace context is the engine's.
 */
import { isUtf8 } from 'node:buffer'
import type { HeaderContext } from '../define.ts'
import { DeadLetter } from '../errors.ts'
import { isUuid } from '../fields.ts'
import { type HeaderEntry, lastWellFormed, type RecordHeaders } from '../headers.ts'
import { REQUEST_ID_HEADER } from './request-header.ts'
import { tenantHeadersSchema } from './schemas.ts'

export interface Tenant {
  /** UUID in lower case. Two tenants are the same if this is. */
  readonly id: string
  /** The headers of every output: TENANT_ID in lower case, the others byte for byte as they came. */
  readonly headers: readonly HeaderEntry[]
}

/** How many tenants are remembered by their bytes. A stream mostly has runs of one tenant. */
const REMEMBERED_TENANTS_MAX = 8

export const tenantContext: HeaderContext<Tenant> = {
  read: remembering(readTenant),
  write: (tenant) => tenant.headers,
  varying: [REQUEST_ID_HEADER],
  schema: tenantHeadersSchema,
}

function readTenant(headers: RecordHeaders): Tenant {
  const id = required(headers, 'TENANT_ID', uuidText)
  const region = required(headers, 'REGION', regionText)
  const majorVersion = required(headers, 'MAJOR_VERSION', version)
  const minorVersion = required(headers, 'MINOR_VERSION', version)
  return {
    id,
    headers: [
      ['TENANT_ID', Buffer.from(id, 'latin1')],
      ['REGION', region],
      ['MAJOR_VERSION', majorVersion],
      ['MINOR_VERSION', minorVersion],
    ],
  }
}

/** A header given twice: the last well-formed one counts. */
function required<T>(headers: RecordHeaders, name: string, parse: (value: Buffer) => T | undefined): T {
  const value = lastWellFormed(headers, name, parse)
  if (value === undefined) throw new DeadLetter('headers.tenant_invalid', `no well-formed header ${name}`)
  return value
}

/** 36 characters of UUID text, answered in lower case. */
function uuidText(value: Buffer): string | undefined {
  if (value.length !== 36) return undefined
  const text = value.toString('latin1')
  return isUuid(text) ? text.toLowerCase() : undefined
}

/** Every output carries it on. */
const REGION_BYTES_MAX = 1_024

// Copies, because the bytes of a record are only valid while it is read.
const regionText = (value: Buffer): Buffer | undefined =>
  value.length > 0 && value.length <= REGION_BYTES_MAX && isUtf8(value) ? Buffer.from(value) : undefined

/** Big-endian uint16, two bytes. */
const version = (value: Buffer): Buffer | undefined => (value.length === 2 ? Buffer.from(value) : undefined)

/**
 * The same bytes give the same tenant, so parsing is done once for the last few. Only exact repetitions are remembered:
 * each header given once, and the tenant's id in lower case already.
 */
function remembering(read: (headers: RecordHeaders) => Tenant): (headers: RecordHeaders) => Tenant {
  const remembered: Tenant[] = []
  let oldest = 0
  return (headers) => {
    for (const tenant of remembered) if (carries(headers, tenant)) return tenant
    const tenant = read(headers)
    if (carries(headers, tenant)) {
      remembered[oldest] = tenant
      oldest = (oldest + 1) % REMEMBERED_TENANTS_MAX
    }
    return tenant
  }
}

function carries(headers: RecordHeaders, tenant: Tenant): boolean {
  for (const [name, expected] of tenant.headers) {
    const values = headers.values(name)
    const value = values[0]
    if (values.length !== 1 || !value || !expected || !value.equals(expected)) return false
  }
  return true
}
