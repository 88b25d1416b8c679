/** What may be looked at: one function per answer. Owns how what operations find is told; access and bounds are the routes'. */
import { failure } from '../api/rest/errors.ts'
import type { Context } from '../operations/context.ts'
import { deadLetterJson, type LetterPlace, placeText } from '../operations/core/dead-letter.ts'
import { targetOf } from '../operations/core/replay.ts'
import type { ReplayNote } from '../operations/core/replay-note.ts'
import { type KnownLetter, letterAt, newestLetters } from '../operations/dead-letters.ts'
import type { NoteChange } from '../operations/history.ts'
import { noteHistory } from '../operations/history.ts'
import { noteById, notesOfCharacter, pageOfCharacter } from '../operations/state.ts'
import type {
  ChangeView,
  DeadLettersView,
  DeadLetterView,
  EntriesView,
  Entry,
  HistoryView,
  NotesView,
  NoteView,
} from './contract.ts'

/** Throws StoreLost. */
export async function entriesOf({ reader }: Context, task: number, limit: number): Promise<EntriesView> {
  const entries: Entry[] = []
  for await (const { store, key, field, json } of reader.dump(task)) {
    if (json === null) continue
    if (entries.length >= limit) return { task, entries, complete: false }
    entries.push({ store, key, field, json })
  }
  return { task, entries, complete: true }
}

export interface NotesQuery {
  readonly characterId: number
  readonly tenantId: string | null
  readonly from: number
  readonly limit: number
}

/** Without a tenant a whole task is walked through. Throws StoreLost. */
export async function notesView(context: Context, nowMs: number, query: NotesQuery): Promise<NotesView> {
  const { characterId, tenantId, from, limit } = query
  if (tenantId === null) {
    const { task, notes } = await notesOfCharacter(context, characterId, null)
    return { task, notes: notes.slice(from, from + limit).map(noteView), total: notes.length, batch: null, ageMs: null }
  }
  const { task, notes, total, checkpoint } = await pageOfCharacter(context, tenantId, characterId, from, limit)
  return {
    task,
    notes: notes.map(noteView),
    total,
    batch: checkpoint?.batch ?? null,
    ageMs: checkpoint && Math.max(0, nowMs - checkpoint.committedAtMs),
  }
}

/** Throws StoreLost, OperationError. */
export async function oneNoteView(context: Context, noteId: number, tenantId: string | null): Promise<NotesView> {
  const { task, notes } = await noteById(context, noteId, tenantId)
  return { task, notes: notes.map(noteView), total: notes.length, batch: null, ageMs: null }
}

const noteView = ({ tenantId, characterId, noteId, note }: NoteView): NoteView => ({
  tenantId,
  characterId,
  noteId,
  note,
})

export interface HistoryQuery {
  readonly kind: 'note' | 'character'
  readonly id: number
  readonly tenantId: string | null
  readonly limit: number
}

/** Throws OperationError. */
export async function historyView(context: Context, query: HistoryQuery): Promise<HistoryView> {
  const { task, changes, complete } = await noteHistory(context, query)
  const { topic } = context.plan.changelog
  return { task, complete, changes: changes.map((change) => changeView(topic, task ?? 0, change)).reverse() }
}

function changeView(topic: string, partition: number, change: NoteChange): ChangeView {
  const { tenantId, characterId, noteId, offset, batch, timestampMs, cause, command } = change
  const { json } = change.change
  const at = new Date(timestampMs)
  return {
    tenantId,
    characterId,
    noteId,
    note: json === null ? null : (JSON.parse(json) as NoteView['note']),
    changelog: { topic, partition, offset },
    batch,
    at: Number.isNaN(at.getTime()) ? null : at.toISOString(),
    cause,
    command,
  }
}

/** Throws OperationError. */
export async function lettersView(
  context: Context,
  {
    reason,
    limit,
    countedMax,
  }: { readonly reason: string | null; readonly limit: number; readonly countedMax: number },
): Promise<DeadLettersView> {
  const { topic } = context.plan.deadLetters
  const { letters, complete } = await newestLetters(context, { reason: null, limit: countedMax })
  const reasons = new Map<string, { count: number; waiting: number }>()
  for (const { letter, note } of letters) {
    const counted = reasons.get(letter.reason) ?? { count: 0, waiting: 0 }
    reasons.set(letter.reason, counted)
    counted.count++
    if (!note) counted.waiting++
  }
  const wanted = letters.filter(({ letter }) => reason === null || letter.reason === reason).slice(-limit)
  return {
    topic,
    complete: complete && wanted.length < limit,
    reasons: [...reasons].map(([name, counts]) => ({ reason: name, ...counts })).sort((a, b) => b.count - a.count),
    letters: wanted.map(({ letter, note }) => deadLetterJson(topic, letter, replayed(note))).reverse(),
  }
}

/** Throws ApiFailure `dead_letter.unknown`, OperationError. */
export async function letterView(context: Context, place: LetterPlace): Promise<DeadLetterView> {
  const { letter, note } = await known(context, place)
  const target = targetOf(context.plan, letter)
  return {
    letter: deadLetterJson(context.plan.deadLetters.topic, letter, replayed(note), Number.POSITIVE_INFINITY),
    target: 'refused' in target ? null : `${target.to.topic}-${target.to.partition}`,
    refused: 'refused' in target ? target.refused : null,
  }
}

/** As letterView. */
export const letterValue = async (context: Context, place: LetterPlace): Promise<Buffer> =>
  (await known(context, place)).letter.value ?? Buffer.alloc(0)

async function known(context: Context, place: LetterPlace): Promise<KnownLetter> {
  const found = await letterAt(context, place)
  if (!found) throw failure('dead_letter.unknown', `no dead letter lies at ${placeText(place)}`)
  return found
}

const replayed = (note: ReplayNote | null) => note && { at: note.at, to: note.to, by: note.by }
