/**
 * Pairs status events and sagas with their causes and says what does not fit. Answers the notes that must exist when all
 * is done. Independent of the engine; pure.
 */
import { isDeepStrictEqual } from 'node:util'
import { headerText, type LogRecord } from '../../java/log-record.ts'
import {
  type Cause,
  type CreateCause,
  type DiscardCause,
  NIL,
  type PurgeCause,
  spanOf,
  traceOf,
  type UpdateCause,
} from './causes.ts'
import { characterKey, partitionOf } from './murmur2.ts'
import type { Report } from './report.ts'

export interface Note {
  readonly tenant: string
  readonly characterId: number
  readonly noteId: number
  senderId: number
  message: string
  flag: number
  time: string
  readonly cause: CreateCause
}

export interface OutputLogs {
  readonly status: readonly LogRecord[]
  readonly statusPartitions: number
  readonly saga: readonly LogRecord[]
}

interface Output {
  readonly record: LogRecord
  readonly value: Record<string, any>
  readonly cause: Cause
}

const TENANT_HEADERS = ['TENANT_ID', 'REGION', 'MAJOR_VERSION', 'MINOR_VERSION'] as const
const timeOf = (cause: Cause): string => new Date(cause.record.timestampMs).toISOString()

export function checkOutputs(causes: readonly Cause[], logs: OutputLogs, report: Report): ReadonlyMap<number, Note> {
  const byTrace = new Map<string, Cause>()
  for (const cause of causes) {
    if (cause.kind === 'bad') continue
    if (byTrace.has(cause.trace))
      throw new Error(`the feed sent ${cause.at} with the trace of ${byTrace.get(cause.trace)!.at}`)
    byTrace.set(cause.trace, cause)
  }
  const status = paired(logs.status, byTrace, 'status event', report)
  const sagas = paired(logs.saga, byTrace, 'saga', report)
  checkSpans([...logs.status, ...logs.saga], report)
  checkPlaces(status, sagas, logs.statusPartitions, report)
  checkOrder(status, 'status event', report)
  checkOrder(sagas, 'saga', report)

  const eventsOf = Map.groupBy(status, (o) => o.cause)
  const notes = new Map<number, Note>()
  const createdAt = new Map<number, LogRecord>()
  for (const cause of causes)
    if (cause.kind === 'create') checkCreate(cause, eventsOf.get(cause) ?? [], notes, createdAt, report)
  const removed = new Map<number, Output>()
  for (const output of status) {
    if (output.value['type'] !== 'DELETED') continue
    const noteId = Number(output.value['body'].noteId)
    const before = removed.get(noteId)
    if (before)
      report.add('doubled', `DELETED of note ${noteId}: caused by ${before.cause.at} and by ${output.cause.at}`)
    else removed.set(noteId, output)
    const created = createdAt.get(noteId)
    if (!created) report.add('phantom', `${nameOf(output.record)}: DELETED of note ${noteId}, which was never created`)
    else if (created.offset > output.record.offset)
      report.add('reordered', `note ${noteId}: DELETED stands before CREATED`)
  }
  const sagasOf = Map.groupBy(sagas, (o) => o.cause)
  for (const cause of causes) {
    const events = eventsOf.get(cause) ?? []
    if (cause.kind === 'discard') checkDiscard(cause, events, sagasOf.get(cause) ?? [], notes, removed, report)
    else if (sagasOf.has(cause)) report.add('phantom', `a saga of ${cause.at}, which is no DISCARD`)
    if (cause.kind === 'purge') checkPurge(cause, events, notes, removed, report)
    if (cause.kind === 'update') checkUpdate(cause, events, notes, report)
    if (cause.kind === 'ignored' && events.length > 0)
      report.add('phantom', `an event of ${cause.at}, which causes none`)
  }
  for (const noteId of removed.keys()) notes.delete(noteId)
  return notes
}

const nameOf = (record: LogRecord): string => `partition ${record.partition} offset ${record.offset}`

function paired(
  records: readonly LogRecord[],
  byTrace: ReadonlyMap<string, Cause>,
  what: string,
  report: Report,
): readonly Output[] {
  const outputs: Output[] = []
  for (const record of records) {
    const cause = byTrace.get(traceOf(record) ?? '')
    if (!cause) {
      report.add(
        'phantom',
        `${what} at ${nameOf(record)}: no input has its trace (${headerText(record, 'traceparent')})`,
      )
      continue
    }
    const headers = new Map(record.headers)
    const expected = new Map(cause.record.headers)
    for (const name of TENANT_HEADERS)
      if (!headers.get(name)?.equals(expected.get(name)!)) report.add('wrong', `${what} of ${cause.at}: header ${name}`)
    if (record.headers.length !== TENANT_HEADERS.length + 1)
      report.add('wrong', `${what} of ${cause.at}: ${record.headers.length} headers`)
    if (record.timestampMs !== cause.record.timestampMs)
      report.add('wrong', `${what} of ${cause.at}: timestamp ${record.timestampMs}`)
    outputs.push({ record, cause, value: JSON.parse(record.value!.toString('utf8')) })
  }
  return outputs
}

/** A span id is made of input offset and output index: the same one twice is the same output twice. */
function checkSpans(records: readonly LogRecord[], report: Report): void {
  const seen = new Map<string, LogRecord>()
  for (const record of records) {
    const span = spanOf(record) ?? ''
    const before = seen.get(span)
    if (before) report.add('doubled', `span ${span} at ${nameOf(before)} and at ${nameOf(record)}`)
    else seen.set(span, record)
  }
}

function checkPlaces(status: readonly Output[], sagas: readonly Output[], partitions: number, report: Report): void {
  for (const { record, cause, value } of status) {
    const { characterId } = cause
    if (value['characterId'] !== characterId)
      report.add('wrong', `event of ${cause.at}: characterId ${value['characterId']}`)
    if (!record.key?.equals(characterKey(characterId)))
      report.add('wrong', `event of ${cause.at}: key ${record.key?.toString('hex')}`)
    if (record.partition !== partitionOf(characterId, partitions))
      report.add('misplaced', `event of ${cause.at}, character ${characterId}: on partition ${record.partition}`)
  }
  const sagaPartition = new Map<number, number>()
  for (const { record, cause, value } of sagas) {
    const before = sagaPartition.get(cause.characterId) ?? record.partition
    sagaPartition.set(cause.characterId, before)
    if (before !== record.partition)
      report.add('misplaced', `sagas of character ${cause.characterId} on partitions ${before} and ${record.partition}`)
    if (record.key?.toString() !== value['transactionId']) report.add('wrong', `saga of ${cause.at}: key ${record.key}`)
  }
}

/**
 * What one input partition says of one character happens in that order, at home or not; and what one command causes stands
 * together. Between input partitions the order is the service's own.
 */
function checkOrder(outputs: readonly Output[], what: string, report: Report): void {
  for (const [characterId, own] of Map.groupBy(outputs, (o) => o.cause.characterId)) {
    const last = new Map<string, Output>()
    const finished = new Set<Cause>()
    let previous: Cause | null = null
    for (const output of own.toSorted((a, b) => a.record.offset - b.record.offset)) {
      const { cause } = output
      const before = last.get(cause.from)
      if (before && before.cause.record.offset > cause.record.offset)
        report.add(
          'reordered',
          `character ${characterId}: ${what} of ${cause.at} stands behind that of ${before.cause.at}`,
        )
      last.set(cause.from, output)
      if (cause !== previous && finished.has(cause))
        report.add('reordered', `character ${characterId}: ${what}s of ${cause.at} do not stand together`)
      if (previous) finished.add(previous)
      previous = cause
    }
  }
}

function checkCreate(
  cause: CreateCause,
  events: readonly Output[],
  notes: Map<number, Note>,
  createdAt: Map<number, LogRecord>,
  report: Report,
): void {
  if (events.length === 0) report.add('lost', `CREATE at ${cause.at} (character ${cause.characterId}) has no event`)
  if (events.length > 1)
    report.add(
      'doubled',
      `CREATE at ${cause.at} has ${events.length} events: ${events.map((e) => nameOf(e.record)).join(', ')}`,
    )
  for (const { record, value } of events) {
    const { transactionId, characterId, senderId, message, flag, failure } = cause
    if (failure !== undefined) {
      const wanted = { transactionId, characterId, type: 'CREATE_FAILED', body: { senderId, reason: failure } }
      if (!isDeepStrictEqual(value, wanted)) report.add('wrong', `CREATE at ${cause.at}: ${record.value}`)
      continue
    }
    const noteId = Number(value['body']?.noteId)
    const body = { noteId, senderId, message, flag, time: timeOf(cause) }
    if (!isDeepStrictEqual(value, { transactionId, characterId, type: 'CREATED', body }))
      report.add('wrong', `CREATE at ${cause.at}: ${record.value}`)
    if (notes.has(noteId)) report.add('doubled', `note id ${noteId} was given to ${cause.at}, too`)
    notes.set(noteId, { tenant: cause.tenant, characterId, ...body, cause })
    createdAt.set(noteId, record)
  }
}

const ownNote = (notes: ReadonlyMap<number, Note>, noteId: number, cause: Cause): Note | undefined => {
  const note = notes.get(noteId)
  return note && note.characterId === cause.characterId && note.tenant === cause.tenant ? note : undefined
}

function checkRemovals(
  cause: DiscardCause | PurgeCause,
  events: readonly Output[],
  notes: ReadonlyMap<number, Note>,
  report: Report,
): readonly number[] {
  return events.map(({ record, value }) => {
    const noteId = Number(value['body']?.noteId)
    const wanted = { transactionId: NIL, characterId: cause.characterId, type: 'DELETED', body: { noteId } }
    if (!isDeepStrictEqual(value, wanted)) report.add('wrong', `event of ${cause.at}: ${record.value}`)
    if (!ownNote(notes, noteId, cause))
      report.add('phantom', `${cause.at} removed note ${noteId}, which is not of character ${cause.characterId}`)
    return noteId
  })
}

function checkDiscard(
  cause: DiscardCause,
  events: readonly Output[],
  sagas: readonly Output[],
  notes: ReadonlyMap<number, Note>,
  removed: ReadonlyMap<number, Output>,
  report: Report,
): void {
  const got = checkRemovals(cause, events, notes, report)
  const gone = new Set(got)
  if (
    !isDeepStrictEqual(
      got,
      cause.noteIds.filter((id) => gone.has(id)),
    )
  )
    report.add('reordered', `DISCARD at ${cause.at}: ids ${cause.noteIds}, events ${got}`)
  for (const noteId of cause.noteIds) {
    const note = ownNote(notes, noteId, cause)
    // Named before it was there, in the same partition: rightly skipped.
    const later = note && note.cause.from === cause.from && note.cause.record.offset > cause.record.offset
    if (note && !later && !removed.has(noteId))
      report.add('lost', `DISCARD at ${cause.at} did not remove note ${noteId}`)
  }
  const due = cause.sagas ? got.filter((id) => notes.get(id)?.senderId !== cause.characterId) : []
  const wanted = due.map((id) => `award-fame-${notes.get(id)?.senderId}-${id}`)
  const steps = sagas.map((s) => String(s.value['steps']?.[0]?.stepId))
  for (const step of new Set([...wanted, ...steps])) {
    const times = steps.filter((s) => s === step).length
    if (!wanted.includes(step)) report.add('phantom', `saga ${step} of ${cause.at}`)
    else if (times === 0) report.add('lost', `saga ${step} of ${cause.at}`)
    else if (times > 1) report.add('doubled', `saga ${step} of ${cause.at}: ${times} times`)
  }
  if (steps.length === wanted.length && !isDeepStrictEqual(steps, wanted))
    report.add('reordered', `sagas of ${cause.at}: ${steps}`)
  for (const { record, value } of sagas) {
    const step = value['steps']?.[0] ?? {}
    const note = notes.get(Number(String(step.stepId).split('-').at(-1)))
    const payload = { characterId: note?.senderId, worldId: cause.worldId, channelId: cause.channelId, amount: 1 }
    const time = timeOf(cause)
    const whole = {
      transactionId: value['transactionId'],
      sagaType: 'inventory_transaction',
      initiatedBy: 'note-discard-fame',
      steps: [
        { stepId: step.stepId, status: 'pending', action: 'award_fame', payload, createdAt: time, updatedAt: time },
      ],
    }
    if (!isDeepStrictEqual(value, whole)) report.add('wrong', `saga of ${cause.at}: ${record.value}`)
  }
}

function checkPurge(
  cause: PurgeCause,
  events: readonly Output[],
  notes: ReadonlyMap<number, Note>,
  removed: ReadonlyMap<number, Output>,
  report: Report,
): void {
  const got = checkRemovals(cause, events, notes, report)
  if (
    !isDeepStrictEqual(
      got,
      got.toSorted((a, b) => a - b),
    )
  )
    report.add('reordered', `purge at ${cause.at}: not in order of id: ${got}`)
  for (const noteId of cause.known)
    if (!removed.has(noteId)) report.add('lost', `purge at ${cause.at} did not remove note ${noteId}`)
}

function checkUpdate(
  cause: UpdateCause,
  events: readonly Output[],
  notes: ReadonlyMap<number, Note>,
  report: Report,
): void {
  const note = ownNote(notes, cause.noteId, cause)
  if (!note) {
    if (events.length > 0) report.add('phantom', `UPDATE at ${cause.at} of a note that is not there has an event`)
    return
  }
  if (events.length === 0) report.add('lost', `UPDATE at ${cause.at} of note ${cause.noteId} has no event`)
  if (events.length > 1) report.add('doubled', `UPDATE at ${cause.at} has ${events.length} events`)
  note.senderId = cause.senderId ?? note.senderId
  note.message = cause.message ?? note.message
  note.flag = cause.flag ?? note.flag
  note.time = timeOf(cause)
  const { noteId, senderId, message, flag, time } = note
  const wanted = {
    transactionId: NIL,
    characterId: cause.characterId,
    type: 'UPDATED',
    body: { noteId, senderId, message, flag, time },
  }
  for (const { record, value } of events)
    if (!isDeepStrictEqual(value, wanted)) report.add('wrong', `UPDATE at ${cause.at}: ${record.value}`)
}
