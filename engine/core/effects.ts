/**
 * Carries out a transform's effects in two steps: everything is encoded and measured first, then applied. So a record
 * whose output is too large has done nothing but become a dead letter.
 */
import { entryName } from '../../stores/core/layout.ts'
import type { Overlay } from '../../stores/core/overlay.ts'
import type { Count, Delete, Drop, Effect, Put, Reject } from '../../topology/effects.ts'
import { DeadLetter } from '../../topology/errors.ts'
import { CAUSE_BYTES_MAX } from './cause.ts'
import type { HomeItem } from './classify.ts'
import { encodeHeaders } from './headers.ts'
import { positiveHash } from './murmur2.ts'
import type { Outputs } from './outputs.ts'
import type { OutputTopic, Plan } from './plan.ts'
import type { BatchTally } from './tally.ts'
import { childTraceparent, originSeed } from './trace.ts'

interface PreparedEmit {
  readonly to: OutputTopic
  readonly partition: number
  readonly key: Buffer | null
  readonly value: string
}

interface PreparedChange {
  readonly effect: Put | Delete
  readonly name: string
  readonly json: string | null
}

export interface Prepared {
  readonly rejected: Reject | null
  readonly emits: readonly PreparedEmit[]
  readonly changes: readonly PreparedChange[]
  readonly counts: readonly Count[]
  readonly drops: readonly Drop[]
}

const NO_HEADERS = encodeHeaders([])
/** What the outputs of one record may take in memory and in its transaction. Some 300,000 events of the size of a note's. */
export const RECORD_OUTPUT_BYTES_MAX = 128 * 1024 * 1024
const OVERHEAD_BYTES = 30

/** Throws DeadLetter `output.too_large`. */
export function prepareEffects(
  plan: Plan,
  task: number,
  item: HomeItem,
  effects: readonly Effect[],
  outputs: Outputs,
): Prepared {
  const emits: PreparedEmit[] = []
  const changes: PreparedChange[] = []
  const counts: Count[] = []
  const drops: Drop[] = []
  let bytes = 0
  for (const effect of effects) {
    switch (effect.kind) {
      case 'reject':
        return { rejected: effect, emits: [], changes: [], counts: [], drops: [] }
      case 'emit': {
        const to = plan.sinks.get(effect.sink)
        if (!to) throw new Error(`sink ${effect.sink.name} is not part of the topology`)
        const emit = {
          to,
          // By the canonical key, not the record's: what one key causes stays in one partition and in order.
          partition: (effect.canonicalKey ? hashAtHome(plan, task, effect.canonicalKey) : item.keyHash) % to.partitions,
          key: effect.key,
          value: effect.sink.encode(effect.value as never),
        }
        assertFits(outputs, to, emit.key, emit.value, item.output.section)
        bytes += emit.value.length + (emit.key?.length ?? 0) + item.output.section.length + OVERHEAD_BYTES
        if (bytes > RECORD_OUTPUT_BYTES_MAX)
          throw new DeadLetter(
            'output.too_large',
            `what comes of this record takes more than ${RECORD_OUTPUT_BYTES_MAX} bytes`,
          )
        emits.push(emit)
        break
      }
      case 'put':
      case 'delete': {
        if (!plan.topology.stores.includes(effect.store))
          throw new Error(`store ${effect.store.name} is not part of the topology`)
        const name = entryName(effect.store.name, effect.key, effect.field)
        const json = effect.kind === 'put' ? jsonOf(effect) : null
        assertFits(outputs, plan.changelog, null, json, NO_HEADERS, name.length * 3 + CAUSE_BYTES_MAX)
        changes.push({ effect, name, json })
        break
      }
      case 'count':
        assertCounter(plan, effect)
        counts.push(effect)
        break
      case 'drop':
        drops.push(effect)
        break
    }
  }
  return { rejected: null, emits, changes, counts, drops }
}

/** A key of another task would bring its records out of order with those that its own task writes. */
function hashAtHome(plan: Plan, task: number, canonicalKey: Buffer): number {
  const hash = positiveHash(canonicalKey)
  if (hash % plan.tasks !== task) throw new Error('a record is emitted on behalf of a key of another task')
  return hash
}

export interface EffectTarget {
  readonly overlay: Overlay
  readonly counters: Map<string, number>
  readonly outputs: Outputs
  readonly tally: BatchTally
}

export function applyEffects(prepared: Prepared, item: HomeItem, target: EffectTarget): void {
  const { timestampMs } = item.view
  const { origin, from } = item
  const causeAt = origin.topic === from.topic && origin.partition === from.partition ? from : origin
  if (prepared.emits.length > 0) emitAll(prepared.emits, item, target)
  for (const { effect, name, json } of prepared.changes) {
    target.overlay.set({
      name,
      store: effect.store.name,
      key: effect.key,
      field: effect.field,
      json,
      timestampMs,
      causeAt,
      causeOffset: origin.offset,
    })
  }
  for (const { counter, value } of prepared.counts) target.counters.set(counter.name, value)
  for (const { reason, count } of prepared.drops) target.tally.dropped(reason, count)
}

/** Each output gets a child of the record's span; only the span id differs, and outputs copy what they are given. */
function emitAll(emits: readonly PreparedEmit[], item: HomeItem, { outputs, tally }: EffectTarget): void {
  const { section, traceparentAt } = item.output
  const seed = originSeed(item.origin)
  emits.forEach(({ to, partition, key, value }, i) => {
    section.latin1Write(childTraceparent(item.span, seed, i), traceparentAt)
    outputs.add(to, partition, item.view.timestampMs, key, value, section)
    tally.wrote(to.topic)
  })
}

/** Some values have no JSON at all (undefined, a function), and then nothing could be written. */
function jsonOf({ store, value }: Put): string {
  const json: string | undefined = JSON.stringify(value)
  if (json === undefined) throw new Error(`store ${store.name} is given a value that has no JSON`)
  return json
}

/** A counter that a checkpoint record cannot carry would make the changelog unreadable. */
function assertCounter({ topology }: Plan, { counter, value }: Count): void {
  if (!topology.counters.includes(counter)) throw new Error(`counter ${counter.name} is not part of the topology`)
  if (!Number.isSafeInteger(value) || value < 0)
    throw new Error(`counter ${counter.name} is set to ${value}; it takes whole numbers from 0`)
}

/** Text takes at most three bytes a character: most records are settled without measuring. */
function assertFits(
  outputs: Outputs,
  to: OutputTopic,
  key: Buffer | null,
  value: string | null,
  headers: Buffer,
  extraBytes = 0,
): void {
  const roughBytes = (value?.length ?? 0) * 3 + (key?.length ?? 0) + headers.length + extraBytes + 200
  if (roughBytes <= to.messageBytesMax) return
  const bytes = outputs.sizeAloneBytes(key, value, headers) + extraBytes
  if (bytes > to.messageBytesMax)
    throw new DeadLetter(
      'output.too_large',
      `a record of ${bytes} bytes for ${to.topic}, which takes ${to.messageBytesMax}`,
    )
}
