/** What a dead letter becomes when it is sent again: which record, to where, or why not. Pure. */
import { encodeHeaders } from '../../engine/core/headers.ts'
import type { Plan } from '../../engine/core/plan.ts'
import { REPLAYED_FROM } from '../../engine/core/replayed.ts'
import type { TopicPartition } from '../../engine/ports.ts'
import { type DeadLetterRecord, placeText } from './dead-letter.ts'

export type ReplayTarget = { readonly to: TopicPartition } | { readonly refused: string }

/** To where it was first read; refused when what lies there is not all of the record. */
export function targetOf(plan: Plan, letter: DeadLetterRecord): ReplayTarget {
  const { origin, truncatedBytes, reason } = letter
  if (origin === null) return { refused: 'it does not say where it is from' }
  if (truncatedBytes !== null) return { refused: `it was cut: the record had ${truncatedBytes} bytes` }
  if (reason === 'batch.too_large') return { refused: 'it is a packed batch of records, not a record' }
  if (!letter.headersKnown) return { refused: 'the headers of the record are not known' }
  const source = plan.sources.find(({ topic }) => topic === origin.topic)
  if (!source) return { refused: `${origin.topic} is no source of the topology` }
  if (origin.partition >= source.partitions)
    return { refused: `${origin.topic} has no partition ${origin.partition} any more` }
  return { to: { topic: origin.topic, partition: origin.partition } }
}

/** The original's headers as they were, and the one that tells that it was replayed. */
export const replayHeaders = (letter: DeadLetterRecord): Buffer =>
  encodeHeaders([
    ...letter.headers.map(({ name, value }) => [name, value] as const),
    [REPLAYED_FROM, Buffer.from(placeText(letter))],
  ])

/** Transactions: so many letters at most, and so many bytes unless one alone has more. Order is kept. */
export function chunksOf(
  letters: readonly DeadLetterRecord[],
  limits: { readonly records: number; readonly bytes: number },
): readonly (readonly DeadLetterRecord[])[] {
  const chunks: DeadLetterRecord[][] = []
  let bytes = 0
  for (const letter of letters) {
    const size = sizeOf(letter)
    const last = chunks.at(-1)
    if (last && last.length < limits.records && bytes + size <= limits.bytes) {
      last.push(letter)
      bytes += size
    } else {
      chunks.push([letter])
      bytes = size
    }
  }
  return chunks
}

/** Key and value; headers are small, and are not counted. */
export const sizeOf = ({ key, value }: DeadLetterRecord): number => (key?.length ?? 0) + (value?.length ?? 0)
