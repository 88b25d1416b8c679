/**
 * What `tributary state get` reads: notes, from the task where they are at home. Without a tenant the state of that one
 * task is walked through, for no index leads from a character or a note to its tenants.
 */
import { systemClock } from '../engine/clock.ts'
import { partitionFor } from '../engine/core/murmur2.ts'
import { recordedState } from '../engine/recorded-state.ts'
import type { Checkpoint } from '../stores/ports.ts'
import { characterKey } from '../topology/notes/key.ts'
import { type Note, noteOrder, notes, notesByTenant } from '../topology/notes/state.ts'
import type { Context, KafkaContext } from './context.ts'
import { OperationError } from './errors.ts'
import { PATIENCE_MS } from './patience.ts'

export interface FoundNote {
  readonly tenantId: string
  readonly characterId: number
  readonly noteId: number
  readonly note: Note
}

export interface Found {
  /** null: the id tells no task. */
  readonly task: number | null
  /** In order of tenant, then id. */
  readonly notes: readonly FoundNote[]
}

export async function notesOfCharacter(
  { plan, reader }: Context,
  characterId: number,
  tenantId: string | null,
): Promise<Found> {
  const task = partitionFor(characterKey(characterId), plan.tasks)
  if (tenantId !== null) {
    const fields = await reader.all(task, notes.name, notes.keyText({ tenantId, characterId }))
    return { task, notes: sorted(fields.map(([field, json]) => found(tenantId, characterId, field, json))) }
  }
  const all = await walk({ reader }, task, (owner) => owner.characterId === characterId)
  return { task, notes: all }
}

/** A page of a tenant's notes of a character, by id, at a cost that does not depend on how many there are. */
export async function pageOfCharacter(
  { plan, reader }: Context,
  tenantId: string,
  characterId: number,
  from: number,
  count: number,
): Promise<Found & { readonly total: number; readonly checkpoint: Checkpoint | null }> {
  const task = partitionFor(characterKey(characterId), plan.tasks)
  const key = notes.keyText({ tenantId, characterId })
  const { answer, checkpoint } = await reader.members(task, noteOrder.name, key, from, count)
  const requests = answer.members.map((field) => ({ store: notes.name, key, field }))
  const entries = requests.length === 0 ? [] : (await reader.entries(task, requests)).answer
  const page = requests.flatMap(({ field }, at) => {
    const json = entries[at]
    // Removed since.
    return typeof json === 'string' ? [found(tenantId, characterId, field, json)] : []
  })
  return { task, notes: page, total: answer.total, checkpoint }
}

export async function noteById(context: Context, noteId: number, tenantId: string | null): Promise<Found> {
  const { plan, reader } = context
  const task = (noteId - 1) % (await recordedStride(context))
  if (noteId < 1 || task >= plan.tasks) return { task: null, notes: [] }
  if (tenantId === null) return { task, notes: await walk({ reader }, task, (_, field) => field === String(noteId)) }
  const notesFound: FoundNote[] = []
  for (const member of await reader.byScore(task, notesByTenant.name, tenantId, noteId)) {
    const characterId = Number(member.slice(0, member.indexOf(':')))
    const json = await reader.get(task, notes.name, notes.keyText({ tenantId, characterId }), String(noteId))
    if (json !== null) notesFound.push(found(tenantId, characterId, String(noteId), json))
  }
  return { task, notes: notesFound }
}

/** By which ids were given, as any task's changelog says; it may have been another NOTE_ID_STRIDE than ours. */
export async function recordedStride({ plan, kafka }: KafkaContext): Promise<number> {
  const recorded = await recordedState(kafka, systemClock, plan.changelog, {
    patienceMs: PATIENCE_MS,
    refused: (reason) => new OperationError('kafka.refused', 'unreachable', reason),
    unreachable: (reason) => new OperationError('kafka.unreachable', 'unreachable', reason),
  })
  return recorded?.record.stride ?? plan.stride
}

interface OwnerText {
  readonly tenantId: string
  readonly characterId: number
}

async function walk(
  { reader }: Pick<Context, 'reader'>,
  task: number,
  wanted: (owner: OwnerText, field: string) => boolean,
): Promise<readonly FoundNote[]> {
  const byName = new Map<string, FoundNote>()
  for await (const { store, key, field, json } of reader.dump(task)) {
    if (store !== notes.name || field === null || json === null) continue
    const [tenantId = '', character = ''] = key.split(':')
    const owner = { tenantId, characterId: Number(character) }
    // An entry may come twice.
    if (wanted(owner, field)) byName.set(`${key}/${field}`, found(tenantId, owner.characterId, field, json))
  }
  return sorted([...byName.values()])
}

const found = (tenantId: string, characterId: number, field: string, json: string): FoundNote => ({
  tenantId,
  characterId,
  noteId: Number(field),
  note: JSON.parse(json) as Note,
})

const sorted = (list: FoundNote[]): readonly FoundNote[] =>
  list.sort((a, b) => (a.tenantId < b.tenantId ? -1 : a.tenantId > b.tenantId ? 1 : a.noteId - b.noteId))
