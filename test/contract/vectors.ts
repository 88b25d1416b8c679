/**
 * The recorded conversations of test/contract/vectors as something that can be run against any implementation: the
 * in-memory one of the unit tests, a test driver, or the real service. Responsible for loading them and for putting the
 * variables in; what counts as the same answer is in meaning.ts.
 *
 * REST steps are counted and not run.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { type Expected, type Ids, matchStep } from './meaning.ts'

export interface InputRecord {
  readonly topic: string
  /** The partition of the recorded run; another implementation may have fewer. */
  readonly partition: number
  readonly key: Buffer | null
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[]
  readonly value: Buffer | null
}

export interface OutputRecord {
  readonly topic: string
  readonly key: Buffer | null
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[]
  readonly value: Buffer | null
}

export interface Vector {
  readonly name: string
  readonly about: string
  /** Recorded values of the variables: tenants by letter, note ids as n1, n2, … */
  readonly variables: Readonly<Record<string, string | number>>
  readonly tenants: readonly string[]
  readonly steps: readonly Step[]
  /** How many REST steps it has that are not run. */
  readonly restSteps: number
}

export interface Step {
  /** Place in the recorded conversation, REST steps counted. */
  readonly number: number
  /** Records with `${variable}` still in them. */
  readonly records: readonly RecordedInput[]
  readonly expected: readonly Expected[]
}

export interface RecordedInput {
  readonly topic: string
  readonly partition: number
  readonly key: string | null
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly value: string | null
}

export interface RunOptions {
  /** Tenants by letter instead of the recorded ones: for runs that share topics with others. */
  readonly tenants?: Readonly<Record<string, string>>
  /** False where the trace context is not part of what is run. */
  readonly trace?: boolean
}

/**
 * Sends the records of one step and answers every record that it causes, read committed. `expected` is how many there
 * should be; waiting a little longer shows the ones too many.
 */
export type Send = (records: readonly InputRecord[], expected: number) => Promise<readonly OutputRecord[]>

/**
 * Runs the Kafka steps of a vector one after the other. Note ids are those of the implementation: learned from its
 * CREATED events and put into later steps. Answers the differences, empty if it speaks the contract. A vector with REST
 * steps that cause records (`act`) is run up to the first of them.
 */
export async function runVector(vector: Vector, send: Send, options: RunOptions = {}): Promise<string[]> {
  const tenants = Object.fromEntries(
    vector.tenants.map((letter) => [letter, options.tenants?.[letter] ?? String(vector.variables[letter])]),
  )
  let ids: Ids = new Map()
  for (const step of vector.steps) {
    const records = step.records.map((record) => filled(record, vector, tenants, ids))
    const received = await send(records, step.expected.length)
    const match = matchStep(
      { sent: records, expected: step.expected, received },
      { ids, tenants: renamed(vector, tenants), trace: options.trace ?? true },
    )
    ids = match.ids
    if (match.differences.length > 0) {
      return match.differences.map((difference) => `${vector.name}, step ${step.number}: ${difference}`)
    }
  }
  return []
}

/** All vectors, in order of name. */
export function loadVectors(): readonly Vector[] {
  const folder = new URL('./vectors/', import.meta.url)
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'))
  return names.sort().map((name) => vectorOf(JSON.parse(readFileSync(new URL(name, folder), 'utf8'))))
}

// ---------------------------------------------------------------- the files

interface VectorFile {
  readonly name: string
  readonly about: string
  readonly tenants: readonly string[]
  readonly vars: Readonly<Record<string, string | number>>
  readonly steps: readonly StepFile[]
  readonly out: readonly { readonly records: readonly RecordedOutput[] }[]
}

interface MessageFile {
  readonly key: string | null
  readonly headers: readonly (readonly [string, string])[]
  readonly value: string | null
}

type StepFile =
  | ({ readonly op: 'produce'; readonly topic: string; readonly partition: number } & (
      | MessageFile
      | { readonly messages: readonly MessageFile[] }
    ))
  | { readonly op: 'rest'; readonly phase: string; readonly method: string }

interface RecordedOutput {
  readonly topic: string
  readonly key: string | null
  readonly headers: readonly (readonly [string, string])[]
  readonly value: { readonly text: string }
}

function vectorOf(file: VectorFile): Vector {
  const steps: Step[] = []
  for (const [number, step] of file.steps.entries()) {
    if (step.op !== 'produce') {
      if (step.method !== 'GET') break
      continue
    }
    const { topic, partition } = step
    const messages = 'messages' in step ? step.messages : [step]
    steps.push({
      number,
      records: messages.map(({ key, headers, value }) => ({ topic, partition, key, headers, value })),
      expected: (file.out[number]?.records ?? []).map((record) => ({
        topic: record.topic,
        key: record.key,
        headers: record.headers,
        text: record.value.text,
      })),
    })
  }
  const restSteps = file.steps.filter((step) => step.op === 'rest').length
  return { name: file.name, about: file.about, variables: file.vars, tenants: file.tenants, steps, restSteps }
}

// ---------------------------------------------------------------- variables

function filled(
  record: RecordedInput,
  vector: Vector,
  tenants: Readonly<Record<string, string>>,
  ids: Ids,
): InputRecord {
  const variable = (name: string): string => {
    const tenant = tenants[name]
    if (tenant !== undefined) return tenant
    const id = ids.get(Number(vector.variables[name]))
    if (id === undefined) throw new Error(`${vector.name}: no note is known by the name ${name} yet`)
    return String(id)
  }
  const fill = (text: string): string => text.replace(/\$\{(\w+)\}/g, (_, name: string) => variable(name))
  return {
    topic: record.topic,
    partition: record.partition,
    key: record.key === null ? null : Buffer.from(record.key, 'hex'),
    headers: record.headers.map(([name, value]) => [
      name,
      value.startsWith('hex:') ? Buffer.from(value.slice(4), 'hex') : Buffer.from(fill(value)),
    ]),
    value: record.value === null ? null : Buffer.from(fill(record.value)),
  }
}

/** Recorded tenant → tenant of this run. */
const renamed = (vector: Vector, tenants: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
  new Map(vector.tenants.map((letter) => [String(vector.variables[letter]), tenants[letter] ?? '']))
