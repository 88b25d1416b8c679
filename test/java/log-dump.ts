/** Whole topics in both isolation levels, read to their end by LogDump.java. */
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { spawnJavaProgram } from './java-program.ts'
import type { LogRecord } from './log-record.ts'

export interface TopicDump {
  /** What a read_committed consumer is given, in offset order per partition. */
  readonly committed: readonly LogRecord[]
  /** What only a read_uncommitted consumer is given: aborted, or of a transaction that is still open. */
  readonly dirty: readonly LogRecord[]
  /** By partition. */
  readonly ends: readonly { readonly lastStableOffset: number; readonly highWatermark: number }[]
}

const DUMP_TIMEOUT_MS = 180_000

export async function dumpTopics(
  bootstrapServers: string,
  topics: readonly string[],
): Promise<ReadonlyMap<string, TopicDump>> {
  const child = await spawnJavaProgram('LogDump', [bootstrapServers, String(DUMP_TIMEOUT_MS), ...topics])
  const dumps = new Map(
    topics.map((t) => [
      t,
      { committed: [] as LogRecord[], dirty: [] as LogRecord[], ends: [] as TopicDump['ends'][number][] },
    ]),
  )
  const errors = text(child.stderr!)
  let done = false
  for await (const line of createInterface({ input: child.stdout! })) {
    const [kind, topic = '', ...rest] = line.split(' ')
    if (kind === 'done') done = true
    const dump = dumps.get(topic)
    if (!dump) continue
    if (kind === 'E') dump.ends[Number(rest[0])] = { lastStableOffset: Number(rest[1]), highWatermark: Number(rest[2]) }
    else if (kind === 'C') dump.committed.push(parseRecord(rest))
    else if (kind === 'U') dump.dirty.push(parseRecord(rest))
  }
  await child.exited
  if (!done) throw new Error(`LogDump did not read to the end: ${await errors}`)
  return dumps
}

function parseRecord([
  partition,
  offset,
  timestampMs,
  key = '-',
  value = '-',
  headers = '',
]: readonly string[]): LogRecord {
  return {
    partition: Number(partition),
    offset: Number(offset),
    timestampMs: Number(timestampMs),
    key: bytes(key),
    value: bytes(value),
    headers: headers === '' ? [] : headers.split(',').map(parseHeader),
  }
}

/** Base64 pads with '=' as well: the separator is the first '=' that a name in base64 is not padded with. */
function parseHeader(text: string): readonly [string, Buffer | null] {
  const match = /^([A-Za-z0-9+/]*={0,2})=(-|[A-Za-z0-9+/]*={0,2})$/.exec(text)
  if (!match) throw new Error(`LogDump printed a header that cannot be read: ${text}`)
  return [Buffer.from(match[1]!, 'base64').toString('utf8'), bytes(match[2]!)]
}

const bytes = (base64: string): Buffer | null => (base64 === '-' ? null : Buffer.from(base64, 'base64'))
