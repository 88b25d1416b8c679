/** Carries a write plan out on a Keyspace, section by section, and stops at the first error as the script does. */
import type { PlannedCall, WritePlan } from '../core/write-plan.ts'
import type { Keyspace } from './keyspace.ts'

export function carryOut(keyspace: Keyspace, plan: WritePlan): void {
  const { keys, values } = plan
  let at = 0
  let key = 0
  for (let n = 0; n < plan.single; n++) {
    keyspace.setField(keys[key++]!, values[at]!, values[at + 1]!)
    at += 2
  }
  for (const count of plan.multiple) {
    for (const end = at + count; at < end; at += 2) keyspace.setField(keys[key]!, values[at]!, values[at + 1]!)
    key++
  }
  for (let n = 0; n < plan.sets; n++) keyspace.setText(keys[key++]!, values[at++]!)
  for (const call of plan.calls) carryOutCall(keyspace, keys[key++]!, call)
}

function carryOutCall(keyspace: Keyspace, key: string, [name, ...args]: PlannedCall): void {
  if (name === 'DEL') keyspace.delete(key)
  else if (name === 'HDEL') for (const field of args) keyspace.deleteField(key, field)
  else if (name === 'ZREM') for (const member of args) keyspace.removeMember(key, member)
  else for (let at = 0; at < args.length; at += 2) keyspace.addMember(key, args[at + 1]!, Number(args[at]))
}
