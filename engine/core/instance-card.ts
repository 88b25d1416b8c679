/**
 * What an instance tells of itself, so that any other one can show the whole application: a small JSON text that lies in the
 * store beside the state. A label, as the lease is: nothing of exactly-once rests on it. Pure.
 */
/** A card with another number is not read. */
const FORMAT = 1
/** The newest that are kept. */
export const NOTICES_MAX = 20
const NOTICE_CHARACTERS_MAX = 300

export interface InstanceCard {
  readonly format: typeof FORMAT
  /** Random per process: what is counted begins at 0 with another one. */
  readonly start: string
  /** Base of its HTTP routes. */
  readonly url: string
  readonly version: string
  /** ms since 1970, its own clock. */
  readonly startedAtMs: number
  readonly atMs: number
  readonly ready: boolean
  readonly reasons: readonly string[]
  readonly heapBytes: number
  readonly tasks: readonly TaskCard[]
  readonly counted: FlowCounts
  /** Oldest first. */
  readonly notices: readonly CardNotice[]
}

/** What is as it mostly is, is left out. */
export interface TaskCard {
  readonly task: number
  /** `running` unless given. */
  readonly state?: string
  readonly reason?: string
  /** Changelog offsets done and to do. */
  readonly restore?: readonly [done: number, total: number]
  /** 0 unless given. */
  readonly unapplied?: number
  /** Readable and not processed, all inputs together; 0 unless given. */
  readonly lag?: number
}

/** Since the process began. */
export interface FlowCounts {
  readonly records: number
  readonly forwarded: number
  readonly transactions: number
  /** By `<topic>\0<type>`. */
  readonly read: Readonly<Record<string, number>>
  /** By topic. */
  readonly written: Readonly<Record<string, number>>
  readonly buried: Readonly<Record<string, number>>
  readonly endToEnd: BucketCounts
  readonly transaction: BucketCounts
}

/** A histogram; one count more than there are bounds. */
export interface BucketCounts {
  readonly boundsMs: readonly number[]
  /** Per bound, not summed up. */
  readonly counts: readonly number[]
}

export interface CardNotice {
  readonly atMs: number
  readonly level: 'info' | 'warn' | 'error'
  readonly code: string
  readonly text: string
}

export const encodeCard = (card: Omit<InstanceCard, 'format'>): string => JSON.stringify({ format: FORMAT, ...card })

/** Null: it is none, or one of another version. */
export function decodeCard(text: string): InstanceCard | null {
  try {
    const found = JSON.parse(text) as Partial<InstanceCard> | null
    return found?.format === FORMAT &&
      typeof found.start === 'string' &&
      typeof found.atMs === 'number' &&
      Array.isArray(found.tasks) &&
      Array.isArray(found.notices) &&
      typeof found.counted === 'object'
      ? (found as InstanceCard)
      : null
  } catch {
    return null
  }
}

export const shortNotice = (text: string): string =>
  text.length > NOTICE_CHARACTERS_MAX ? `${text.slice(0, NOTICE_CHARACTERS_MAX - 1)}…` : text
