/** A copy of everything in a keyspace, as a dump file holds it, or of the keys with one prefix. */
import type { Keyspace } from '../../../stores/memory/keyspace.ts'

export type Dump = readonly ((into: Keyspace) => void)[]

export function dump(from: Keyspace, prefix = ''): Dump {
  return from.keys(prefix).map((key) => {
    const kind = from.kindOf(key)
    if (kind === 'string') {
      const text = from.getText(key)!
      return (into: Keyspace) => into.setText(key, text)
    }
    if (kind === 'hash') {
      const fields = [...from.fields(key)]
      return (into: Keyspace) => {
        for (const [field, text] of fields) into.setField(key, field, text)
      }
    }
    const members = from.members(key)
    return (into: Keyspace) => {
      for (const { member, score } of members) into.addMember(key, member, score)
    }
  })
}

export function restoreDump(into: Keyspace, saved: Dump, prefix = ''): void {
  for (const key of into.keys(prefix)) into.delete(key)
  for (const put of saved) put(into)
}
