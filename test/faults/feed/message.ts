/** Records for the input topics, as other services of the same system send them. */
import { characterKey } from '../checker/murmur2.ts'

export interface Message {
  readonly topic: string
  readonly partition: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer>>
  /** Before the others, also under their names. */
  readonly moreHeaders?: readonly (readonly [string, Buffer])[]
  readonly timestampMs: number
}

export const TENANTS = ['083839c6-c47c-42a6-9585-76492795d123', 'e65e00a6-5772-48a4-b712-0f1c28fc3f77'] as const

/** A trace of its own for each message: number in the run, and a mark of the run. */
export const traceOf = (run: number, sequence: number): string =>
  `${(run >>> 0).toString(16).padStart(8, '0')}${sequence.toString(16).padStart(24, '0')}`

export function headersOf(tenant: string, trace: string): Record<string, Buffer> {
  return {
    TENANT_ID: Buffer.from(tenant),
    REGION: Buffer.from('GMS'),
    MAJOR_VERSION: Buffer.from([0, 83]),
    MINOR_VERSION: Buffer.from([0, 1]),
    traceparent: Buffer.from(`00-${trace}-00f067aa0ba902b7-01`),
  }
}

export interface Addressed {
  readonly topic: string
  readonly partition: number
  readonly tenant: string
  readonly trace: string
  readonly timestampMs: number
}

export function message(
  to: Addressed,
  value: { characterId: number; [field: string]: unknown },
  key: Buffer | null = characterKey(value.characterId),
): Message {
  const { topic, partition, tenant, trace, timestampMs } = to
  return {
    topic,
    partition,
    key,
    value: Buffer.from(JSON.stringify(value)),
    headers: headersOf(tenant, trace),
    timestampMs,
  }
}
