/**
 * When two answers mean the same. Ids, times, trace ids, the order of headers and partitions belong to the run that was
 * recorded; everything else must be equal, and what belongs to a run must be well-formed. Pure.
 */
import type { InputRecord, OutputRecord } from './vectors.ts'

/** A record of the recorded run: key and header values in hex, value as text. */
export interface Expected {
  readonly topic: string
  readonly key: string | null
  readonly headers: readonly (readonly [name: string, hex: string])[]
  readonly text: string
}

/** Note id of the recorded run → note id of this run. */
export type Ids = ReadonlyMap<number, number>

export interface Run {
  readonly ids: Ids
  /** Tenant of the recorded run → tenant of this run. */
  readonly tenants: ReadonlyMap<string, string>
  readonly trace: boolean
}

export interface StepResult {
  readonly sent: readonly InputRecord[]
  readonly expected: readonly Expected[]
  readonly received: readonly OutputRecord[]
}

export interface Match {
  readonly differences: readonly string[]
  /** With the ids that this step taught. */
  readonly ids: Ids
}

const STATUS = 'EVENT_TOPIC_NOTE_STATUS'
const SAGA = 'COMMAND_TOPIC_SAGA'
const UUID_V5 = /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const RFC3339_UTC = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/

type Json = any

export function matchStep(step: StepResult, run: Run): Match {
  const differences: string[] = []
  const received = step.received.map((record) => ({
    topic: record.topic,
    key: record.key?.toString('hex') ?? null,
    headers: record.headers.map(([name, value]) => [name, value?.toString('hex') ?? ''] as const),
    text: record.value?.toString() ?? '',
  }))
  const ids = learned(step.expected, received, run.ids)
  const wanted = step.expected.map((record) => meaning(translated(record, ids, run.tenants), step.sent, run, () => {}))
  const given = received.map((record) => meaning(record, step.sent, run, (problem) => differences.push(problem)))

  const rest = [...given]
  for (const record of wanted) {
    const at = rest.indexOf(record)
    if (at === -1) differences.push(`missing: ${record}`)
    else rest.splice(at, 1)
  }
  for (const record of rest) differences.push(`not expected: ${record}`)
  differences.push(...outOfOrder(step))
  return { differences, ids }
}

/** Pairs recorded CREATED events with received ones of the same content, in the order of their ids. */
function learned(expected: readonly Expected[], received: readonly Expected[], known: Ids): Ids {
  const ids = new Map(known)
  const created = (records: readonly Expected[]) =>
    records
      .filter((record) => record.topic === STATUS)
      .map((record): Json => JSON.parse(record.text))
      .filter((event) => event.type === 'CREATED')
      .sort((a, b) => a.body.noteId - b.body.noteId)
  const contentOf = ({ characterId, body }: Json) =>
    JSON.stringify([characterId, body.senderId, body.message, body.flag])
  const open = created(received)
  for (const event of created(expected)) {
    const at = open.findIndex((other) => contentOf(other) === contentOf(event))
    if (at !== -1) ids.set(event.body.noteId, open.splice(at, 1)[0].body.noteId)
  }
  return ids
}

/** The recorded record as this run would write it. */
function translated(record: Expected, ids: Ids, tenants: ReadonlyMap<string, string>): Expected {
  const value: Json = JSON.parse(record.text)
  const idOf = (id: number) => ids.get(id) ?? `unknown note ${id}`
  if (value.body?.noteId !== undefined) value.body.noteId = idOf(value.body.noteId)
  for (const step of value.steps ?? []) {
    step.stepId = step.stepId.replace(/\d+$/, (id: string) => String(idOf(Number(id))))
  }
  const headers = record.headers.map(([name, hex]) => {
    const tenant = name === 'TENANT_ID' ? tenants.get(Buffer.from(hex, 'hex').toString()) : undefined
    return [name, tenant === undefined ? hex : Buffer.from(tenant).toString('hex')] as const
  })
  return { ...record, headers, text: JSON.stringify(value) }
}

/** One line that is equal for records of equal meaning. What belongs to a run is checked and left out. */
function meaning(record: Expected, sent: readonly InputRecord[], run: Run, problem: (text: string) => void): string {
  const value: Json = JSON.parse(record.text)
  let key = record.key
  const check = (what: string, ok: boolean) => {
    if (!ok) problem(`${what}: ${record.text}`)
  }
  if (value.body?.time !== undefined) {
    check('time is not RFC 3339, UTC', RFC3339_UTC.test(value.body.time))
    value.body.time = '<time>'
  }
  if (record.topic === SAGA) {
    check('the saga id is not a UUID v5', UUID_V5.test(value.transactionId))
    check('the key is not the saga id', Buffer.from(key ?? '', 'hex').toString() === value.transactionId)
    value.transactionId = '<saga>'
    key = '<saga>'
    for (const step of value.steps) {
      check('createdAt is not RFC 3339, UTC', RFC3339_UTC.test(step.createdAt))
      check('updatedAt is not createdAt', step.updatedAt === step.createdAt)
      step.createdAt = '<time>'
      step.updatedAt = '<time>'
    }
  }
  const headers = record.headers
    .filter(([name]) => run.trace || !['traceparent', 'tracestate', 'baggage'].includes(name))
    .map(([name, hex]) => [name, name === 'traceparent' ? traceOf(hex, sent, check) : hex])
    .sort(([a], [b]) => String(a).localeCompare(String(b)))
  return JSON.stringify({ topic: record.topic, key, headers, value: sorted(value) })
}

/** A child of the trace that was sent, or a new one that is sampled. */
function traceOf(hex: string, sent: readonly InputRecord[], check: (what: string, ok: boolean) => void): string {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(Buffer.from(hex, 'hex').toString()) ?? []
  check('traceparent is malformed', traceId !== undefined)
  const parents = sent.flatMap((record) => record.headers.filter(([name]) => name === 'traceparent'))
  const parent = parents.at(-1)?.[1]?.toString()
  if (!parent) return `new-${flags}`
  const [, parentTrace, parentSpan] = TRACEPARENT.exec(parent) ?? []
  check('the span is its own parent', spanId !== parentSpan)
  return `${traceId === parentTrace ? 'child' : 'stranger'}-${flags}`
}

/** Within a character, events stand in the order of the ids that a command names, or of ids if it names none. */
function outOfOrder(step: StepResult): string[] {
  const named = step.sent.flatMap(
    (record): number[] => JSON.parse(record.value?.toString() ?? '{}').body?.noteIds ?? [],
  )
  const place = (id: number): number => (named.includes(id) ? named.indexOf(id) : id)
  const lastPlace = new Map<string, number>()
  const problems: string[] = []
  for (const record of step.received) {
    if (record.topic !== STATUS) continue
    const { characterId, type, body }: Json = JSON.parse(record.value?.toString() ?? '{}')
    if (body?.noteId === undefined) continue
    const before = lastPlace.get(`${characterId} ${type}`) ?? -1
    if (place(body.noteId) < before) problems.push(`${type} of note ${body.noteId} stands out of order`)
    lastPlace.set(`${characterId} ${type}`, place(body.noteId))
  }
  return problems
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, sorted(value[name])]),
  )
}
