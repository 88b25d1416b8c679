/**
 * Reading the dead-letter topic: the newest letters, one of them, those that wait to be replayed; and which were. Owns the
 * bounds of these reads.
 */
import type { RecordView } from '../engine/core/headers.ts'
import type { LogRange } from '../engine/core/log-windows.ts'
import { position } from '../engine/core/numbers.ts'
import { everyPartition, partitionName } from '../engine/core/plan.ts'
import type { FetchClient } from '../engine/ports.ts'
import type { KafkaContext } from './context.ts'
import { type DeadLetterRecord, type LetterPlace, placeText, readDeadLetter } from './core/dead-letter.ts'
import { sizeOf } from './core/replay.ts'
import { type ReplayNote, readNote } from './core/replay-note.ts'
import { OperationError } from './errors.ts'
import { type AtOpenTransaction, logRanges, newestRecords, readRecords } from './records.ts'

/** Offsets looked through per partition. */
export const SEARCH_OFFSETS_MAX = 1_000_000
/** Bytes of letters that are held at once. */
export const LETTER_BYTES_MAX = 64 * 1024 * 1024

export interface KnownLetter {
  readonly letter: DeadLetterRecord
  /** Null: not replayed yet. */
  readonly note: ReplayNote | null
}

export interface Letters {
  readonly letters: readonly KnownLetter[]
  /** False: there may be more, beyond the bounds of the search. */
  readonly complete: boolean
}

export interface LetterFilter {
  /** Of this reason alone; null: any. */
  readonly reason: string | null
  readonly limit: number
}

/** The newest letters of all partitions, newest last. Throws OperationError. */
export async function newestLetters(context: KafkaContext, { reason, limit }: LetterFilter): Promise<Letters> {
  const { topic } = context.plan.deadLetters
  const notes = new Map<string, ReplayNote>()
  let letters: DeadLetterRecord[] = []
  let complete = true
  await overPartitions(context, async (fetch, partition, log) => {
    const options = { count: limit, open: 'stop', offsetsMax: SEARCH_OFFSETS_MAX } as const
    // Notes lie behind their letters, so whatever is looked at includes those of the letters that are found.
    const found = await newestRecords(fetch, { topic, partition }, log, options, (view) => {
      const letter = letterOrNote(partition, view, notes)
      return letter && (reason === null || letter.reason === reason) ? letter : null
    })
    complete &&= found.complete
    // Across partitions only time tells what is newer; within one, a stable sort keeps their order where times are equal.
    letters = [...letters, ...found.items].sort((a, b) => a.timestampMs - b.timestampMs).slice(-limit)
  })
  return { letters: withNotes(letters, notes), complete }
}

/** Null: nothing lies there, or no letter. Throws OperationError. */
export async function letterAt(context: KafkaContext, place: LetterPlace): Promise<KnownLetter | null> {
  const { letters } = await lettersAt(context, [place], 'stop')
  return letters[0] ?? null
}

/** Those that are there, in the order of partition and offset. Throws OperationError. */
export async function lettersAt(
  context: KafkaContext,
  places: readonly LetterPlace[],
  open: AtOpenTransaction,
): Promise<Letters> {
  const { topic } = context.plan.deadLetters
  const notes = new Map<string, ReplayNote>()
  const letters: DeadLetterRecord[] = []
  await overPartitions(context, async (fetch, partition, log) => {
    const wanted = new Set(places.filter((place) => place.partition === partition).map(({ offset }) => offset))
    const from = Math.max(log.start, Math.min(...wanted))
    if (wanted.size === 0 || from >= log.end) return
    if (log.end - from > SEARCH_OFFSETS_MAX)
      throw new OperationError(
        'dead_letter.too_old',
        'refused',
        `${topic}-${partition}: more than ${SEARCH_OFFSETS_MAX} offsets lie behind ${from}, too many to tell what was replayed`,
      )
    await readRecords(fetch, { topic, partition }, position(from), position(log.end), open, (view) => {
      const letter = letterOrNote(partition, view, notes)
      if (letter && wanted.has(letter.offset)) letters.push(letter)
    })
  })
  return { letters: withNotes(letters, notes), complete: true }
}

/**
 * The oldest letters that were not replayed, or by this run. Notes are read first, then as many letters as are wanted.
 * Throws OperationError.
 */
export async function waitingLetters(
  context: KafkaContext,
  { reason, limit }: LetterFilter,
  open: AtOpenTransaction,
  run: string | null = null,
): Promise<Letters> {
  const { topic } = context.plan.deadLetters
  const letters: KnownLetter[] = []
  let complete = true
  let bytes = 0
  await overPartitions(context, async (fetch, partition, log) => {
    const start = Math.max(log.start, log.end - SEARCH_OFFSETS_MAX)
    complete &&= start === log.start
    const notes = new Map<string, ReplayNote>()
    const read = (take: (view: RecordView) => void): Promise<void> =>
      readRecords(fetch, { topic, partition }, position(start), position(log.end), open, take)
    await read((view) => letterOrNote(partition, view, notes))
    await read((view) => {
      const letter = readDeadLetter(partition, view)
      if (!letter || (reason !== null && letter.reason !== reason)) return
      const note = notes.get(placeText(letter)) ?? null
      if (note && note.run !== run) return
      if (letters.length >= limit || bytes >= LETTER_BYTES_MAX) complete = false
      else {
        letters.push({ letter, note })
        bytes += sizeOf(letter)
      }
    })
  })
  return { letters, complete }
}

function letterOrNote(partition: number, view: RecordView, notes: Map<string, ReplayNote>): DeadLetterRecord | null {
  const letter = readDeadLetter(partition, view)
  if (letter) return letter
  const note = readNote(view)
  if (note && note.of.partition === partition) notes.set(placeText(note.of), note)
  return null
}

const withNotes = (letters: readonly DeadLetterRecord[], notes: ReadonlyMap<string, ReplayNote>): KnownLetter[] =>
  letters.map((letter) => ({ letter, note: notes.get(placeText(letter)) ?? null }))

async function overPartitions(
  { plan, kafka }: KafkaContext,
  read: (fetch: FetchClient, partition: number, log: LogRange) => Promise<void>,
): Promise<void> {
  const { topic, partitions } = plan.deadLetters
  if (partitions === 0) throw new OperationError('deployment.missing', 'usage', `topic ${topic} does not exist`)
  const all = everyPartition(plan.deadLetters)
  const logs = await logRanges(kafka, all)
  const fetch = kafka.fetchClient()
  try {
    for (const { partition } of all) await read(fetch, partition, logs.get(partitionName({ topic, partition }))!)
  } finally {
    await fetch.close()
  }
}
