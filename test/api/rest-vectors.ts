/**
 * The recorded conversations that have REST steps, whole: records in and out and requests with their answers, one step
 * after the other. What counts as the same record is test/contract/meaning.ts; this file says what counts as the same answer.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { type Expected, type Ids, matchStep } from '../contract/meaning.ts'
import type { InputRecord, OutputRecord } from '../contract/vectors.ts'

export interface RestCall {
  readonly method: string
  /** Below /api. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

export interface RestAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
}

export interface Peer {
  /** Sends records and answers every record that they cause. */
  send(records: readonly InputRecord[], expected: number): Promise<readonly OutputRecord[]>
  call(call: RestCall): Promise<RestAnswer>
  /** Every record that was caused since. */
  outputs(expected: number): Promise<readonly OutputRecord[]>
}

type Json = any

export interface RestVector {
  readonly name: string
  readonly about: string
  readonly tenants: readonly string[]
  readonly file: Json
}

export function loadRestVectors(): readonly RestVector[] {
  const folder = new URL('../contract/vectors/', import.meta.url)
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name): Json => JSON.parse(readFileSync(new URL(name, folder), 'utf8')))
    .filter((file) => file.steps.some((step: Json) => step.op === 'rest'))
    .map((file) => ({ name: file.name, about: file.about, tenants: file.tenants, file }))
}

/** Answers the differences, empty if the peer speaks the contract. `tenants`: by letter, this run's own. */
export async function runRestVector(
  { file }: RestVector,
  peer: Peer,
  tenants: Readonly<Record<string, string>>,
): Promise<string[]> {
  let ids: Ids = new Map()
  const renamed = new Map<string, string>(file.tenants.map((letter: string) => [file.vars[letter], tenants[letter]!]))
  const fill = (text: string): string =>
    text.replace(
      /\$\{(\w+)\}/g,
      (_, name: string) => tenants[name] ?? String(ids.get(file.vars[name]) ?? `unknown ${name}`),
    )
  for (const [number, step] of file.steps.entries()) {
    const recorded = file.out[number] ?? { records: [] }
    const expected: Expected[] = recorded.records.map((record: Json) => ({ ...record, text: record.value.text }))
    let sent: InputRecord[] = []
    let received: readonly OutputRecord[]
    let differences: string[] = []
    let compare = (): string[] => []
    if (step.op === 'produce') {
      sent = recordsOf(step, fill)
      received = await peer.send(sent, expected.length)
    } else {
      const headers = Object.fromEntries(step.headers.map(([name, value]: [string, string]) => [name, fill(value)]))
      const answer = await peer.call({
        method: step.method,
        path: fill(step.path),
        headers,
        body: step.body === undefined ? undefined : fill(step.body),
      })
      received = (await peer.outputs(expected.length)).map(withoutTransaction)
      // Behind the records: a POST is what teaches its id.
      compare = () => differencesOf(step.method, recorded.response, answer, ids)
    }
    const match = matchStep({ sent, expected, received }, { ids, tenants: renamed, trace: true })
    ids = match.ids
    differences = [...match.differences, ...compare()]
    if (differences.length > 0) return differences.map((difference) => `${file.name}, step ${number}: ${difference}`)
  }
  return []
}

function recordsOf(step: Json, fill: (text: string) => string): InputRecord[] {
  return (step.messages ?? [step]).map(({ key, headers, value }: Json) => ({
    topic: step.topic,
    partition: step.partition,
    key: key === null ? null : Buffer.from(key, 'hex'),
    headers: headers.map(([name, text]: [string, string]) => [
      name,
      text.startsWith('hex:') ? Buffer.from(text.slice(4), 'hex') : Buffer.from(fill(text)),
    ]),
    value: value === null ? null : Buffer.from(fill(value)),
  }))
}

const NIL = '00000000-0000-0000-0000-000000000000'

/** The contract: a write of REST has a fresh transactionId, which was not so when this was recorded. */
function withoutTransaction(record: OutputRecord): OutputRecord {
  const value: Json = JSON.parse(record.value?.toString() ?? '{}')
  if (value.type === 'CREATED' && value.transactionId === NIL)
    return { ...record, value: Buffer.from('{"type":"no transactionId"}') }
  const text = JSON.stringify({ ...value, ...(value.steps ? {} : { transactionId: NIL }) })
  return { topic: record.topic, key: record.key, headers: record.headers, value: Buffer.from(text) }
}

const RFC3339_UTC = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/

function differencesOf(method: string, recorded: Json, answer: RestAnswer, ids: Ids): string[] {
  const differences: string[] = []
  const check = (what: string, wanted: unknown, given: unknown): void => {
    const [a, b] = [JSON.stringify(wanted), JSON.stringify(given)]
    if (a !== b) differences.push(`${what}: ${a} was expected, not ${b}`)
  }
  // Known: POST answers 201 with Location, an unknown id is 404.
  const status = recorded.status === 500 ? 404 : method === 'POST' && recorded.status === 200 ? 201 : recorded.status
  check('status', status, answer.status)
  if (status === 204) check('body', '', answer.text)
  if (status === 204 || differences.length > 0) return differences
  check('type', 'application/json', answer.headers['content-type'])
  const given: Json = JSON.parse(answer.text)
  if (status >= 400) {
    check('error', [String(status)], [...new Set(given.errors.map((error: Json) => error.status))])
    return differences
  }
  const wanted: Json = JSON.parse(recorded.body)
  const own = [given.data].flat()
  for (const note of own) if (!RFC3339_UTC.test(note.attributes.timestamp)) differences.push(`${note.id} has no time`)
  if (Array.isArray(given.data)) {
    const order = own.map((note: Json) => Number(note.id))
    check(
      'order',
      order.toSorted((a, b) => a - b),
      order,
    )
  }
  const translated = [wanted.data].flat().map((note: Json) => ({ ...note, id: String(ids.get(Number(note.id))) }))
  check('data', meaningOf(translated), meaningOf(own))
  check('meta', meaningOf(wanted.meta), meaningOf(given.meta))
  check('links', linksOf(wanted.links), linksOf(given.links))
  if (status === 201) check('Location', `/api/notes/${own[0].id}`, answer.headers['location'])
  return differences
}

/** Names in order, notes in order of id, times left out. */
function meaningOf(value: Json): Json {
  if (Array.isArray(value)) return value.map(meaningOf).sort((a, b) => Number(a.id) - Number(b.id))
  if (typeof value !== 'object' || value === null) return value
  const names = Object.keys(value).sort()
  return Object.fromEntries(names.map((name) => [name, name === 'timestamp' ? '<time>' : meaningOf(value[name])]))
}

const linksOf = (links: Record<string, string> | undefined): Json =>
  Object.entries(links ?? {})
    .map(([name, link]) => {
      const url = new URL(link, 'http://localhost')
      return [name, url.pathname, [...url.searchParams].sort()]
    })
    .sort()
