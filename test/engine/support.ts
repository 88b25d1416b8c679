/** A small topology and its plan, and outputs as objects: what the tests of the cores share. */
import { encodeHeaders, type RecordView, readHeaders, viewOf } from '../../engine/core/headers.ts'
import type { RecordCursor } from '../../engine/core/intake.ts'
import { after, type Position, position } from '../../engine/core/numbers.ts'
import type { Outputs } from '../../engine/core/outputs.ts'
import type { OutputTopic, Plan } from '../../engine/core/plan.ts'
import { EncodedOutputs } from '../../engine/wire/encoded-outputs.ts'
import type { Checkpoint } from '../../stores/ports.ts'
import { defineTopology, type Topology } from '../../topology/define.ts'
import type { Effect } from '../../topology/effects.ts'
import { json } from '../../topology/json.ts'
import { sink } from '../../topology/sinks.ts'
import { type Decoder, type Handler, source } from '../../topology/sources.ts'
import { counter, map, value } from '../../topology/stores.ts'

/** What a record of the small topology says; `do` decides what its transform does. */
export interface Order {
  readonly type: 'ORDER'
  readonly key: string
  readonly do: string
  readonly [more: string]: unknown
}

export const entries = map<string, string, number>({ name: 'entries', key: (key) => key })
export const totals = value<string, number>({ name: 'totals', key: (key) => key })
export const moves = counter({ name: 'moves' })
export const out = sink<unknown>({ topic: 'OUT' })
export const other = sink<unknown>({ topic: 'OTHER' })

const order: Decoder<Order> = json((object) => object as unknown as Order)

/** One source, two when `second` is given; all with this handler. */
export function topologyOf(
  handler: Handler<Order, null>,
  options: { onTransformError?: 'stop'; second?: boolean } = {},
): Topology {
  const sourceOf = (topic: string) =>
    source({ topic, decode: order, key: (message) => Buffer.from(message.key), on: { ORDER: handler } })
  return defineTopology<null>({
    name: 'small',
    context: { read: () => null, write: () => [['kept', Buffer.from('yes')]] },
    sources: options.second ? [sourceOf('IN'), sourceOf('IN2')] : [sourceOf('IN')],
    stores: [entries, totals],
    counters: [moves],
    sinks: [out, other],
    ...(options.onTransformError ? { onTransformError: options.onTransformError } : {}),
  })
}

export const idle: Handler<Order, null> = { transform: (): readonly Effect[] => [] }

export function planOf(
  topology: Topology,
  changes: Partial<Plan> & { partitions?: number; outBytesMax?: number } = {},
): Plan {
  const { partitions = 1, outBytesMax = 1_048_588, ...rest } = changes
  const output = (topic: string, count = 1): OutputTopic => ({ topic, partitions: count, messageBytesMax: outBytesMax })
  return {
    topology,
    application: 'app',
    groupId: 'group',
    clusterId: 'cluster-1',
    tasks: 1,
    stride: 1,
    requireSpanContext: false,
    sources: topology.sources.map((s) => ({ source: s, topic: s.topic, topicId: `id-${s.topic}`, partitions })),
    sinks: new Map(topology.sinks.map((s) => [s, output(s.topic)])),
    changelog: { ...output('app-changelog', rest.tasks ?? 1), topicId: 'id-changelog' },
    repartition: { ...output('app-repartition', rest.tasks ?? 1), topicId: 'id-repartition' },
    deadLetters: output('app-dead-letters'),
    ...rest,
  }
}

export interface Written {
  readonly topic: string
  readonly partition: number
  readonly timestampMs: number
  readonly key: string | null
  readonly text: string | null
  readonly headers: Readonly<Record<string, string>>
}

/** Keeps what is written as objects; sizes are the real ones. */
export class KeptOutputs implements Outputs {
  readonly written: Written[] = []
  sizeBytes = 0
  readonly #sizes = new EncodedOutputs()

  sizeAloneBytes(key: Buffer | null, text: string | Buffer | null, headers: Buffer): number {
    return this.#sizes.sizeAloneBytes(key, text, headers)
  }

  add(
    to: OutputTopic,
    partition: number,
    timestampMs: number,
    key: Buffer | null,
    text: string | Buffer | null,
    headers: Buffer,
  ): void {
    if (this.sizeAloneBytes(key, text, headers) > to.messageBytesMax) throw new Error(`too large for ${to.topic}`)
    const named = readHeaders(viewOf({ offset: 0, timestampMs, key: null, value: null, headers }))
    this.written.push({
      topic: to.topic,
      partition,
      timestampMs,
      key: key?.toString() ?? null,
      text: text?.toString() ?? null,
      headers: Object.fromEntries(named.map((h) => [h.name, h.value?.toString() ?? ''])),
    })
    this.sizeBytes += (key?.length ?? 0) + (text?.length ?? 0) + headers.length
  }

  of(topic: string): readonly Written[] {
    return this.written.filter((w) => w.topic === topic)
  }
}

export interface Given {
  readonly value: unknown
  readonly timestampMs?: number
  readonly key?: string | null
  readonly headers?: Readonly<Record<string, string>>
}

/** A record; objects become JSON. */
export const recordOf = (offset: number, { value, timestampMs = 1_000, key = null, headers = {} }: Given): RecordView =>
  viewOf({
    offset,
    timestampMs,
    key: key === null ? null : Buffer.from(key),
    value: value === null || typeof value === 'string' || Buffer.isBuffer(value) ? value : JSON.stringify(value),
    headers: encodeHeaders(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
  })

/** One fetch answer. `end` lies behind trailing markers. */
export function cursorOf(views: readonly RecordView[], end?: number): RecordCursor {
  let at = 0
  let current: Position = position(views[0]?.offset ?? 0)
  return {
    peekTimestampMs: () => views[at]?.timestampMs,
    next() {
      const view = views[at]
      if (!view) return undefined
      at++
      current = at === views.length && end !== undefined ? position(end) : after(view.offset)
      return view
    },
    get position() {
      return current
    },
    sizeBytes: views.reduce((sum, view) => sum + view.bytes.length, 0),
  }
}

export const checkpointOf = (changes: Partial<Checkpoint> = {}): Checkpoint => ({
  batch: 3,
  offset: 30 as Checkpoint['offset'],
  firstOffset: 28 as Checkpoint['offset'],
  committedAtMs: 1_000_000,
  clusterId: 'cluster-1',
  changelogTopicId: 'id-changelog',
  stateVersion: 'v1',
  counters: {},
  published: {},
  positions: {},
  ...changes,
})
