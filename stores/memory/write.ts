/** Carries a write plan out on a Keyspace, section by section, and stops at the first error as the script does. */
import { DROPPED_UNTIL, KEPT_BEYOND } from '../core/field-order.ts'
import type { PlannedCall, PlannedOrder, WritePlan } from '../core/write-plan.ts'
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
  for (const order of plan.orders) keepOrder(keyspace, plan, order)
}

/** Removals first: behind them a set that is there has, with what was put, as many members as its hash has fields. */
function keepOrder(keyspace: Keyspace, plan: WritePlan, order: PlannedOrder): void {
  const { keys, values, single, multiple, sets, calls } = plan
  const setOf = (hash: string): string => order.set + hash.slice(order.hash.length)
  for (let n = order.removals[0]; n <= order.removals[1]; n++) {
    const hash = keys[single + multiple.length + sets + n - 1]!
    const [, ...fields] = calls[n - 1]!
    if (keyspace.fields(hash).size <= DROPPED_UNTIL) keyspace.delete(setOf(hash))
    else for (const field of fields) keyspace.removeMember(setOf(hash), field)
  }
  for (let n = order.single[0]; n <= order.single[1]; n++)
    follow(keyspace, keys[n - 1]!, setOf(keys[n - 1]!), values.slice(2 * n - 2, 2 * n))
  let at = 2 * single
  for (const [n, count] of multiple.entries()) {
    const hash = keys[single + n]!
    if (n + 1 >= order.multiple[0] && n + 1 <= order.multiple[1])
      follow(keyspace, hash, setOf(hash), values.slice(at, at + count))
    at += count
  }
}

/** `pairs` are fields and values that were put. */
function follow(keyspace: Keyspace, hash: string, set: string, pairs: readonly string[]): void {
  const fields = keyspace.fields(hash)
  if (fields.size <= DROPPED_UNTIL) return
  if (keyspace.kindOf(set) === null) {
    if (fields.size > KEPT_BEYOND) orderAnew(keyspace, set, fields)
    return
  }
  for (let at = 0; at < pairs.length; at += 2) keyspace.addMember(set, pairs[at]!, Number(pairs[at]))
  if (keyspace.members(set).length !== fields.size) orderAnew(keyspace, set, fields)
}

function orderAnew(keyspace: Keyspace, set: string, fields: ReadonlyMap<string, string>): void {
  keyspace.delete(set)
  for (const field of fields.keys()) keyspace.addMember(set, field, Number(field))
}

function carryOutCall(keyspace: Keyspace, key: string, [name, ...args]: PlannedCall): void {
  if (name === 'DEL') keyspace.delete(key)
  else if (name === 'HDEL') for (const field of args) keyspace.deleteField(key, field)
  else if (name === 'ZREM') for (const member of args) keyspace.removeMember(key, member)
  else for (let at = 0; at < args.length; at += 2) keyspace.addMember(key, args[at + 1]!, Number(args[at]))
}
