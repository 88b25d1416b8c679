/** A record as a test looks at it: committed, with its headers decoded. */
import { keyOf, type RecordView, readHeaders, valueOf as valueOfView } from '../engine/core/headers.ts'

export class OutputRecord {
  /** The declared name of a topic of the topology; else the topic's own. */
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[]

  constructor(topic: string, partition: number, view: RecordView) {
    this.topic = topic
    this.partition = partition
    this.offset = view.offset
    this.timestampMs = view.timestampMs
    this.key = copyOf(keyOf(view))
    this.value = copyOf(valueOfView(view))
    this.headers = readHeaders(view).map(({ name, value }) => [name, copyOf(value)] as const)
  }

  /** The value as text; '' when it has none. */
  get text(): string {
    return this.value?.toString() ?? ''
  }

  /** The value, parsed. Throws SyntaxError. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  get json(): any {
    return JSON.parse(this.text)
  }

  /** The last header of this name as text; undefined when there is none. */
  header(name: string): string | undefined {
    return this.headers.findLast(([given]) => given === name)?.[1]?.toString()
  }

  /** Headers by name as text, the last of each name. */
  get headerTexts(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.headers.map(([name, value]) => [name, value?.toString() ?? '']))
  }
}

/** A record that could not be processed; key, value and headers are the original's, beside `dead-letter.*` headers. */
export class DeadLetterRecord extends OutputRecord {
  /** The stable code. */
  get reason(): string {
    return this.header('dead-letter.reason') ?? ''
  }

  get message(): string {
    return this.header('dead-letter.message') ?? ''
  }

  /** Where the record was first read. */
  get origin(): { topic: string; partition: number; offset: number } {
    return {
      topic: this.header('dead-letter.topic') ?? '',
      partition: Number(this.header('dead-letter.partition')),
      offset: Number(this.header('dead-letter.offset')),
    }
  }
}

const copyOf = (bytes: Buffer | null): Buffer | null => (bytes ? Buffer.from(bytes) : null)
