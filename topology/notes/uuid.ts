/** UUIDs that are made of names (RFC 9562, version 5): the same names, the same UUID, on every replay. */
import { hash } from 'node:crypto'

export const NIL_UUID = '00000000-0000-0000-0000-000000000000'

/** `namespace` is UUID text; `name` any text. */
export function uuidV5(namespace: string, name: string): string {
  const bytes = Buffer.from(namespace.replaceAll('-', ''), 'hex')
  const hex = hash('sha1', Buffer.concat([bytes, Buffer.from(name)]), 'hex')
  const variant = '89ab'[Number.parseInt(hex.charAt(16), 16) & 3]
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
