/**
 * W3C trace context of outputs, without clock or random: span ids and new trace ids are a hash of the record's origin
 * and the output's number, so a batch done again gives the same bytes.
 * Source: W3C Trace Context level 1 (traceparent 00-<32 hex>-<16 hex>-<2 hex>), contract README "Headers".
 */
import { lastWellFormed, type RecordHeaders } from '../../topology/headers.ts'
import type { Origin } from '../../topology/sources.ts'

export interface SpanContext {
  /** 32 lower-case hex digits. */
  readonly traceId: string
  /** 2 hex digits; a new trace is sampled. */
  readonly flags: string
  /** Goes on only beside a valid traceparent. */
  readonly tracestate: Buffer | null
  readonly baggage: Buffer | null
  /** False: the record had no usable traceparent and this is a new trace. */
  readonly continued: boolean
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$/
/** Versions above 00 may carry more behind the flags; what is known of them is the same. */
const TRACEPARENT_LATER = /^(?!ff|00)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-.*)?$/
const TRACEPARENT_CHARS_MAX = 512

function parse(value: Buffer): { traceId: string; flags: string } | undefined {
  if (value.length < 55 || value.length > TRACEPARENT_CHARS_MAX) return undefined
  const text = value.latin1Slice(0, value.length)
  const match = TRACEPARENT.exec(text) ?? TRACEPARENT_LATER.exec(text)
  return match ? { traceId: match[1]!, flags: match[2]! } : undefined
}

const lastPresent = (headers: RecordHeaders, name: string): Buffer | null => headers.values(name).findLast((v) => v !== null) ?? null

export function spanContextOf(headers: RecordHeaders, origin: Origin): SpanContext {
  const parent = lastWellFormed(headers, 'traceparent', parse)
  const baggage = lastPresent(headers, 'baggage')
  if (parent) return { ...parent, tracestate: lastPresent(headers, 'tracestate'), baggage, continued: true }
  const seed = originSeed(origin)
  return { traceId: hex64(seed, -1) + hex64(seed, -2), flags: '01', tracestate: null, baggage, continued: false }
}

/** traceparent of the record's output number `index` (0-based): a child of `span`. */
export const childTraceparent = (span: SpanContext, seed: Seed, index: number): string =>
  `00-${span.traceId}-${hex64(seed, index)}-${span.flags}`

/** 64 bits that depend on topic, partition and offset. */
export interface Seed {
  readonly low: number
  readonly high: number
}

export function originSeed(origin: Origin): Seed {
  let topic = 0x811c9dc5 // FNV-1a
  for (let i = 0; i < origin.topic.length; i++) topic = Math.imul(topic ^ origin.topic.charCodeAt(i), 0x01000193)
  const place = mix(topic ^ Math.imul(origin.partition + 1, 0x9e3779b1))
  const above32 = Math.floor(origin.offset / 0x1_0000_0000)
  return {
    low: mix(place + Math.imul(origin.offset | 0, 0x85ebca6b)),
    high: mix((place ^ 0x5bd1e995) + Math.imul(origin.offset | 0, 0xc2b2ae35) + above32),
  }
}

/** murmur3's finaliser: every input bit reaches every output bit. */
function mix(value: number): number {
  let h = value | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) | 0
}

const hex32 = (value: number): string => (value >>> 0).toString(16).padStart(8, '0')

/** 16 hex digits, never all zero (the specification forbids it). */
function hex64(seed: Seed, index: number): string {
  const low = mix(seed.low + Math.imul(index + 3, 0x9e3779b1))
  const high = mix(seed.high ^ Math.imul(index + 3, 0x7feb352d))
  return low === 0 && high === 0 ? '0000000000000001' : hex32(high) + hex32(low)
}
