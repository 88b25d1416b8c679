/**
 * Anomalies that only show when two logs are held against each other: a transaction seen in part, an aborted record that a
 * committed reader was given, an older state than the events tell of. Independent of the engine; pure.
 *
 * Names in brackets are those of Jepsen's Kafka workload and of Adya: lost write, duplicate, poll skip, nonmonotonic poll,
 * G1a aborted read, G1b intermediate read.
 */
import { isDeepStrictEqual } from 'node:util'
import type { TopicDump } from '../../java/log-dump.ts'
import type { LogRecord } from '../../java/log-record.ts'
import type { Report } from './report.ts'

/**
 * A reader that was there all the time against the log as it is in the end. What it was given and the log has as aborted is
 * an aborted read (G1a); what the log has and it was not given is a poll skip; what it was given twice is a nonmonotonic poll.
 */
export function checkWitness(what: string, printed: readonly LogRecord[], dump: TopicDump, report: Report): void {
  const place = ({ partition, offset }: LogRecord): string => `${partition}@${offset}`
  const committed = new Set(dump.committed.map(place))
  const dirty = new Set(dump.dirty.map(place))
  const given = new Set<string>()
  for (const record of printed) {
    const at = place(record)
    if (given.has(at)) report.add('doubled', `${what} ${at} was read twice`)
    given.add(at)
    if (dirty.has(at)) report.add('phantom', `${what} ${at} was read as committed, and is aborted`)
    else if (!committed.has(at)) report.add('phantom', `${what} ${at} was read as committed, and is not in the log`)
  }
  for (const at of committed)
    if (!given.has(at)) report.add('lost', `${what} ${at} is committed, and the reader was not given it`)
}

interface Told {
  /** Contents as of each event, in order. */
  readonly contents: unknown[]
  created: boolean
  deleted: boolean
  /** Of the DELETED event. */
  trace: string
}

function toldOf(status: readonly LogRecord[]): ReadonlyMap<string, Told> {
  const told = new Map<string, Told>()
  for (const record of status) {
    const { type, body } = JSON.parse(record.value!.toString('utf8'))
    if (body?.noteId === undefined) continue
    const id = String(body.noteId)
    const note = told.get(id) ?? { contents: [], created: false, deleted: false, trace: '' }
    told.set(id, note)
    if (type === 'CREATED') note.created = true
    if (type === 'DELETED') Object.assign(note, { deleted: true, trace: traceIn(record) })
    else note.contents.push({ senderId: body.senderId, message: body.message, flag: body.flag, time: body.time })
  }
  return told
}

const traceIn = ({ headers }: LogRecord): string =>
  headers
    .find(([name]) => name === 'traceparent')?.[1]
    ?.toString('latin1')
    .slice(3, 35) ?? ''

/**
 * Event, changelog record and saga of one command are one transaction: of each note there is an event and a change, or
 * neither (read atomicity; G1b where a part is seen before the rest). A compacted changelog may have forgotten a removal.
 */
export function checkTorn(
  status: readonly LogRecord[],
  saga: readonly LogRecord[],
  changelog: readonly LogRecord[],
  report: Report,
  compacted = false,
): void {
  const told = toldOf(status)
  const kept = new Map<string, boolean>()
  for (const { key, value } of changelog) {
    const [store, , noteId = ''] = (key?.toString('utf8') ?? '').split('/')
    if (store === 'notes') kept.set(noteId, value !== null)
  }
  for (const [id, { created, deleted }] of told) {
    if (created && !kept.has(id) && !(deleted && compacted))
      report.add('torn', `note ${id}: CREATED is there, its change in the changelog is not`)
    if (deleted && kept.get(id)) report.add('torn', `note ${id}: DELETED is there, its change in the changelog is not`)
  }
  for (const [id, isThere] of kept) {
    const note = told.get(id)
    if (!note?.created) report.add('torn', `note ${id}: a change in the changelog is there, CREATED is not`)
    else if (!isThere && !note.deleted)
      report.add('torn', `note ${id}: its removal in the changelog is there, DELETED is not`)
  }
  const deletedBy = new Set([...told.values()].filter(({ deleted }) => deleted).map(({ trace }) => trace))
  for (const record of saga)
    if (!deletedBy.has(traceIn(record)))
      report.add('torn', `a saga at partition ${record.partition} offset ${record.offset} is there, no DELETED is`)
}

/** What is kept is as of the last event of a note, not of one before: else who reads it reads the past (stale read). */
export function checkStale(status: readonly LogRecord[], stored: ReadonlyMap<string, unknown>, report: Report): void {
  const told = toldOf(status)
  for (const [name, content] of stored) {
    const note = told.get(name.split(':').at(-1)!)
    if (!note) continue
    const older = note.deleted ? note.contents : note.contents.slice(0, -1)
    const isLast = !note.deleted && isDeepStrictEqual(note.contents.at(-1), content)
    if (!isLast && older.some((before) => isDeepStrictEqual(before, content)))
      report.add('stale', `Redis has note ${name} as it was before its last event`)
  }
}
