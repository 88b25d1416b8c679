/** A record as Apache Kafka's own consumer printed it. Bytes, so that "byte for byte" can be said. */
export interface LogRecord {
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  readonly headers: readonly (readonly [string, Buffer | null])[]
  readonly key: Buffer | null
  readonly value: Buffer | null
}

/** The last header of this name as text; undefined when absent or null. */
export function headerText(record: LogRecord, name: string): string | undefined {
  return record.headers.findLast(([n]) => n === name)?.[1]?.toString('latin1')
}
