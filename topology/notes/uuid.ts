/** UUIDs that are made of names (RFC 9562, version 5): the same names, the same UUID, on every replay. */
import { hash } from 'node:crypto'

export const NIL_UUID = '00000000-0000-0000-0000-000000000000'

const NAMESPACE_BYTES = 16

/** The bytes of the last namespace, with room for a name behind them: most calls in a row have the same. */
let input = Buffer.alloc(128)
let lastNamespace = ''

/** `namespace` is UUID text; `name` any text. */
export function uuidV5(namespace: string, name: string): string {
  if (namespace !== lastNamespace) {
    input.write(namespace.replaceAll('-', ''), 0, NAMESPACE_BYTES, 'hex')
    lastNamespace = namespace
  }
  const size = NAMESPACE_BYTES + name.length * 3
  if (size > input.length) input = Buffer.concat([input.subarray(0, NAMESPACE_BYTES)], size)
  const end = NAMESPACE_BYTES + input.utf8Write(name, NAMESPACE_BYTES)
  const hex = hash('sha1', input.subarray(0, end), 'hex')
  const variant = '89ab'[Number.parseInt(hex.charAt(16), 16) & 3]
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
