/**
 * Kafka's own console consumer (a Java client, not ours), reading one topic read_committed as it grows. Owns the process
 * and what it has printed; ends it by its id.
 */
import { createInterface } from 'node:readline'
import type { GuardedChild } from '../../embedded/guarded-child.ts'
import { spawnJavaTool } from '../../embedded/java-tool.ts'
import type { LogRecord } from './log-record.ts'

const BYTES = 'org.apache.kafka.common.serialization.BytesDeserializer'
/** Between headers, and for null: characters that the printed form of bytes cannot contain. */
const SEPARATOR = '\u0001'
const NULL = '\u0002'
const PROPERTIES = [
  ...['timestamp', 'partition', 'offset', 'headers', 'key', 'value'].map((what) => `print.${what}=true`),
  ...['key', 'value', 'headers'].map((what) => `${what}.deserializer=${BYTES}`),
  `headers.separator=${SEPARATOR}`,
  `null.literal=${NULL}`,
]

export class ConsoleConsumer {
  readonly records: LogRecord[] = []
  readonly #child: GuardedChild
  readonly #next = new Map<number, number>()
  readonly #listener: (record: LogRecord) => void

  /** As a member of this group, which is stable when it reads. `listener` hears each record as it is printed. */
  static async start(
    bootstrapServers: string,
    topic: string,
    group: string,
    listener: (record: LogRecord) => void = () => {},
  ): Promise<ConsoleConsumer> {
    const child = await spawnJavaTool('org.apache.kafka.tools.consumer.ConsoleConsumer', [
      ...[
        '--bootstrap-server',
        bootstrapServers,
        '--topic',
        topic,
        '--from-beginning',
        '--isolation-level',
        'read_committed',
      ],
      ...['--group', group],
      ...PROPERTIES.flatMap((property) => ['--formatter-property', property]),
    ])
    child.stderr!.resume()
    return new ConsoleConsumer(child, listener)
  }

  private constructor(child: GuardedChild, listener: (record: LogRecord) => void) {
    this.#child = child
    this.#listener = listener
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const record = parseLine(line)
      if (!record || this.#repeated(record)) return
      this.records.push(record)
      this.#listener(record)
    })
  }

  /** After a rebalance, as when the broker comes back, the tool reads on from its last own commit. */
  #repeated({ partition, offset }: LogRecord): boolean {
    const next = this.#next.get(partition) ?? 0
    if (offset < next) return true
    this.#next.set(partition, offset + 1)
    return false
  }

  /** SIGKILL; nothing of it is needed any more. */
  async stop(): Promise<void> {
    this.#child.signal('SIGKILL')
    await this.#child.exited
  }
}

/** Undefined for a line that is no record: the tool says other things on the same stream. */
export function parseLine(line: string): LogRecord | undefined {
  const [time = '', partition = '', offset = '', headers = '', key = '', value = ''] = line.split('\t')
  const timestamp = /^(?:CreateTime|LogAppendTime):(-?\d+)$/.exec(time)
  if (!timestamp || !partition.startsWith('Partition:') || !offset.startsWith('Offset:')) return undefined
  return {
    partition: Number(partition.slice('Partition:'.length)),
    offset: Number(offset.slice('Offset:'.length)),
    timestampMs: Number(timestamp[1]),
    headers: headers === 'NO_HEADERS' ? [] : headers.split(SEPARATOR).map(parseHeader),
    key: parseBytes(key),
    value: parseBytes(value),
  }
}

function parseHeader(text: string): readonly [string, Buffer | null] {
  const colon = text.indexOf(':')
  return [text.slice(0, colon), parseBytes(text.slice(colon + 1))]
}

/** The text of Kafka's Bytes: printable ASCII as it is but for the backslash, everything else `\xNN`. */
function parseBytes(text: string): Buffer | null {
  if (text === NULL) return null
  return Buffer.from(
    text.replace(/\\x([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
}
