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

/** A traceparent of version 00. */
export const TRACEPARENT_CHARS = 55
const TRACEPARENT_CHARS_MAX = 512
/**
 * Larger ones do not go on: every output of a record carries them. W3C Baggage asks for at least 8,192 bytes, Trace Context
 * for at least 512 characters of tracestate.
 */
export const CARRIED_BYTES_MAX = 8_192
/** Where its 16 hex digits of the span id begin. */
export const TRACEPARENT_SPAN_AT = 36

const DASH = 45

const isHex = (byte: number): boolean => (byte >= 48 && byte <= 57) || (byte >= 97 && byte <= 102)

function allHex(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (!isHex(bytes[i]!)) return false
  return true
}

function allZero(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] !== 48) return false
  return true
}

/** Versions above 00 may carry more behind the flags; what is known of them is the same. ff is no version. */
export function parseTraceparent(
  bytes: Buffer,
  start: number,
  end: number,
): { traceId: string; flags: string } | undefined {
  const length = end - start
  if (length < TRACEPARENT_CHARS || length > TRACEPARENT_CHARS_MAX) return undefined
  if (bytes[start + 2] !== DASH || bytes[start + 35] !== DASH || bytes[start + 52] !== DASH) return undefined
  if (!allHex(bytes, start, start + 2) || !allHex(bytes, start + 3, start + 35)) return undefined
  if (!allHex(bytes, start + 36, start + 52) || !allHex(bytes, start + 53, start + 55)) return undefined
  const version = bytes.latin1Slice(start, start + 2)
  if (version === 'ff') return undefined
  if (length > TRACEPARENT_CHARS && (version === '00' || bytes[start + TRACEPARENT_CHARS] !== DASH)) return undefined
  if (allZero(bytes, start + 3, start + 35) || allZero(bytes, start + 36, start + 52)) return undefined
  return { traceId: bytes.latin1Slice(start + 3, start + 35), flags: bytes.latin1Slice(start + 53, start + 55) }
}

const lastPresent = (headers: RecordHeaders, name: string): Buffer | null =>
  headers.values(name).findLast((v) => v !== null && v.length <= CARRIED_BYTES_MAX) ?? null

export function spanContextOf(headers: RecordHeaders, origin: Origin): SpanContext {
  const parent = lastWellFormed(headers, 'traceparent', (value) => parseTraceparent(value, 0, value.length))
  const baggage = lastPresent(headers, 'baggage')
  if (parent) return { ...parent, tracestate: lastPresent(headers, 'tracestate'), baggage, continued: true }
  return newTrace(origin, baggage)
}

/** Sampled, since nobody has decided otherwise. */
export function newTrace(origin: Origin, baggage: Buffer | null): SpanContext {
  const seed = originSeed(origin)
  return { traceId: hex64(seed, -1) + hex64(seed, -2), flags: '01', tracestate: null, baggage, continued: false }
}

/** traceparent of the record's output number `index` (0-based): a child of `span`. */
export const childTraceparent = (span: SpanContext, seed: Seed, index: number): string =>
  `00-${span.traceId}-${childSpanId(seed, index)}-${span.flags}`

/** 16 hex digits. */
export const childSpanId = (seed: Seed, index: number): string => hex64(seed, index)

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

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

const hex32 = (value: number): string =>
  HEX[value >>> 24]! + HEX[(value >>> 16) & 255]! + HEX[(value >>> 8) & 255]! + HEX[value & 255]!

/** 16 hex digits, never all zero (the specification forbids it). */
function hex64(seed: Seed, index: number): string {
  const low = mix(seed.low + Math.imul(index + 3, 0x9e3779b1))
  const high = mix(seed.high ^ Math.imul(index + 3, 0x7feb352d))
  return low === 0 && high === 0 ? '0000000000000001' : hex32(high) + hex32(low)
}
