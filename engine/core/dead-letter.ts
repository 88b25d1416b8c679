/** The dead letter of a record: original key, value and headers, plus `dead-letter.*` headers; cut where it fits nowhere. */
import type { Item } from './classify.ts'
import { outsideHeaders } from './classify.ts'
import { encodeHeaders, keyOf, valueOf } from './headers.ts'
import type { Outputs } from './outputs.ts'
import type { OutputTopic } from './plan.ts'

const MESSAGE_CHARS_MAX = 1_000

export function writeDeadLetter(
  outputs: Outputs,
  to: OutputTopic,
  partition: number,
  item: Item,
  code: string,
  message: string,
): void {
  const { origin, view } = item
  const facts: (readonly [string, Buffer])[] = [
    ['dead-letter.reason', Buffer.from(code)],
    ['dead-letter.message', Buffer.from(message.slice(0, MESSAGE_CHARS_MAX))],
    ['dead-letter.topic', Buffer.from(origin.topic)],
    ['dead-letter.partition', Buffer.from(String(origin.partition))],
    ['dead-letter.offset', Buffer.from(String(origin.offset))],
    ['dead-letter.timestamp', Buffer.from(String(view.timestampMs))],
  ]
  const key = keyOf(view)
  const value = valueOf(view)
  const original = outsideHeaders(item)
  const whole = encodeHeaders([...original, ...facts])
  if (outputs.sizeAloneBytes(key, value, whole) <= to.messageBytesMax) {
    outputs.add(to, partition, view.timestampMs, key, value, whole)
    return
  }
  const truncated = ['dead-letter.truncated', Buffer.from(String(value?.length ?? 0))] as const
  // First the value gives way, then the headers, then the key: what names the record comes last.
  for (const [k, headers] of [
    [key, [...original, ...facts, truncated]],
    [key, [...facts, truncated]],
    [null, [...facts, truncated]],
  ] as const) {
    const section = encodeHeaders(headers)
    const room = to.messageBytesMax - outputs.sizeAloneBytes(k, null, section) - 16
    if (room < 0) continue
    outputs.add(to, partition, view.timestampMs, k, value?.subarray(0, room) ?? null, section)
    return
  }
  throw new Error(`a dead letter without key and value does not fit into ${to.topic}`)
}
