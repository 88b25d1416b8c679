/** Commands for notes as records of the test driver. */
import { partitionFor } from '../../engine/core/murmur2.ts'
import type { TestRecord } from '../../testing/topology-test-driver.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { create, ofType, TENANT_A, tenantHeaders } from '../notes/records.ts'

export const COMMANDS = 'COMMAND_TOPIC_NOTE'
export const STATUS = 'EVENT_TOPIC_NOTE_STATUS'
export const SAGAS = 'COMMAND_TOPIC_SAGA'
export const CHARACTERS = 'EVENT_TOPIC_CHARACTER_STATUS'

/** A character that is at home in the task. */
export function characterOf(task: number, tasks: number): number {
  for (let character = 1; ; character++) if (partitionFor(characterKey(character), tasks) === task) return character
}

type Changes = Partial<TestRecord>

/** A command with this value, of a tenant, under the key of the character. */
export const commandRecord = (value: unknown, characterId: number, changes: Changes = {}): TestRecord => ({
  topic: COMMANDS,
  key: characterKey(characterId),
  headers: tenantHeaders(TENANT_A),
  value,
  ...changes,
})

export const createRecord = (characterId: number, message = 'hello', changes: Changes = {}): TestRecord =>
  commandRecord(create(characterId, 7, message), characterId, changes)

export const discardRecord = (characterId: number, noteIds: readonly number[], changes: Changes = {}): TestRecord =>
  commandRecord(ofType('DISCARD', characterId, { noteIds }), characterId, changes)

export const deletedRecord = (characterId: number, changes: Changes = {}): TestRecord => ({
  topic: CHARACTERS,
  key: characterKey(characterId),
  headers: tenantHeaders(TENANT_A),
  value: { worldId: 0, characterId, type: 'DELETED', body: {} },
  ...changes,
})
