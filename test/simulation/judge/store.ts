/** What a task's hash and keys in the store say, compared with the changelog: rules I2 and I6. */
import { decodeCheckpoint } from '../../../stores/core/checkpoint-codec.ts'
import { entryName } from '../../../stores/core/entry-name.ts'
import { parseStateKey, TASK_FIELDS, taskKeys } from '../../../stores/core/keys.ts'
import type { Keyspace } from '../../../stores/memory/keyspace.ts'
import type { Checkpoint } from '../../../stores/ports.ts'
import { items } from '../topology.ts'
import type { Mirror } from './mirror.ts'
import { Violation } from './violation.ts'

export function storedCheckpoint(keyspace: Keyspace, application: string, task: number): Checkpoint | null {
  const { task: key } = taskKeys(application, task)
  return keyspace.kindOf(key) === 'hash' ? decodeCheckpoint(keyspace.getField(key, TASK_FIELDS.checkpoint)) : null
}

/** The store must hold exactly what the changelog says at the store's checkpoint. */
export function judgeStore(
  keyspace: Keyspace,
  application: string,
  task: number,
  mirror: Mirror,
  spoilt: ReadonlySet<string>,
): void {
  const checkpoint = storedCheckpoint(keyspace, application, task)
  if (!checkpoint) return
  const expected = mirror.stateAt(checkpoint.offset)
  if (!expected)
    throw new Violation(
      'I6',
      `task ${task}: the store says batch ${checkpoint.batch} ends at ${checkpoint.offset}, where no decided checkpoint record is`,
    )
  const record = mirror.checkpoints.find((c) => c.offset === checkpoint.offset)?.record
  if (record && record.batch !== checkpoint.batch)
    throw new Violation(
      'I6',
      `task ${task}: the store says batch ${checkpoint.batch}, the changelog ${record.batch} at ${checkpoint.offset}`,
    )
  const found = stateOf(keyspace, application, task, checkpoint.stateVersion)
  for (const key of spoilt) {
    const parsed = parseStateKey(taskKeys(application, task), key)
    if (parsed?.version !== checkpoint.stateVersion) continue
    const name = entryName(parsed.name, parsed.text, null)
    for (const field of [...found.keys()]) if (field === name || field.startsWith(`${name}/`)) found.delete(field)
    const json = expected.get(name)
    if (json !== undefined) found.set(name, json)
  }
  compare(`task ${task} at batch ${checkpoint.batch}`, expected, found)
}

export function compare(
  where: string,
  expected: ReadonlyMap<string, string>,
  found: ReadonlyMap<string, string>,
): void {
  for (const [name, json] of expected)
    if (found.get(name) !== json)
      throw new Violation('I2', `${where}: ${name} is ${found.get(name) ?? 'missing'} and should be ${json}`)
  for (const name of found.keys())
    if (!expected.has(name)) throw new Violation('I2', `${where}: ${name} is there and should not be`)
}

/** Name → JSON of one state version; the index must follow the items. */
function stateOf(keyspace: Keyspace, application: string, task: number, version: string): Map<string, string> {
  const keys = taskKeys(application, task)
  const state = new Map<string, string>()
  const indexed = new Set<string>()
  const fields = new Set<string>()
  for (const key of keyspace.keys(`${keys.prefix}${version}:`)) {
    const parsed = parseStateKey(keys, key)
    if (!parsed) continue
    const kind = keyspace.kindOf(key)
    if (kind === 'string') state.set(entryName(parsed.name, parsed.text, null), keyspace.getText(key)!)
    else if (kind === 'hash')
      for (const [field, json] of keyspace.fields(key)) {
        state.set(entryName(parsed.name, parsed.text, field), json)
        if (parsed.name === items.name) fields.add(`${parsed.text}/${field}`)
      }
    else for (const { member } of keyspace.members(key)) indexed.add(`${parsed.text}/${member}`)
  }
  for (const item of fields)
    if (!indexed.has(item)) throw new Violation('I2', `task ${task}: ${item} is not in the index`)
  for (const item of indexed)
    if (!fields.has(item)) throw new Violation('I2', `task ${task}: ${item} is in the index only`)
  return state
}
