/**
 * What happens in one simulated history, as plain data: it can be printed, shortened and run again. What is left to
 * chance inside of a run (latencies, jitter) comes from its seed alone.
 */
import type { Op } from './topology.ts'

export interface SimRecord {
  readonly op: Op
  readonly key: number
  /** Of `once`: the number of the request. */
  readonly field: number
  readonly value: number
  /** Of `once`: its timestamp, in minutes after the start. */
  readonly minute?: number
}

/** What becomes of one request: see model/network.ts. */
export type Fate = 'drop' | 'lost-answer' | 'lost-long' | 'late' | 'slow' | 'twice' | number

/**
 * `dump`, `rollback`: right before the command is carried out, the task's keys are saved, or what was saved is put back.
 * `pause`: who sends it is stopped for longer than its session, and the command arrives just before it goes on.
 */
export type RedisFate = 'before' | 'after' | 'half' | 'late' | 'slow' | 'dump' | 'rollback' | 'pause'

export type HistoryEvent =
  | {
      readonly kind: 'input'
      readonly atMs: number
      readonly source: number
      readonly partition: number
      readonly mode: 'plain' | 'committed' | 'aborted'
      readonly records: readonly SimRecord[]
    }
  /** kill -9; it starts again under the same name after a while, or never. */
  | { readonly kind: 'kill'; readonly atMs: number; readonly process: number; readonly restartMs: number | null }
  /** Drains and leaves, then starts again or not. */
  | { readonly kind: 'stop'; readonly atMs: number; readonly process: number; readonly restartMs: number | null }
  /** SIGSTOP, then SIGCONT. */
  | { readonly kind: 'pause'; readonly atMs: number; readonly process: number; readonly forMs: number }
  | { readonly kind: 'join'; readonly atMs: number; readonly process: number }
  /** The broker ends a member's session though it lives. */
  | { readonly kind: 'expire'; readonly atMs: number; readonly process: number }
  /** The next `count` requests of this kind, after `skip` others. */
  | {
      readonly kind: 'net'
      readonly atMs: number
      readonly api: string
      readonly fate: Fate
      readonly skip: number
      readonly count: number
    }
  /** Killed right after its next request of this kind has been carried out, or before. */
  | {
      readonly kind: 'kill-at'
      readonly atMs: number
      readonly api: string
      readonly carried: boolean
      readonly restartMs: number | null
    }
  | {
      readonly kind: 'redis'
      readonly atMs: number
      readonly command: string
      readonly fate: RedisFate
      readonly skip: number
      readonly count: number
    }
  | { readonly kind: 'flush'; readonly atMs: number }
  | { readonly kind: 'dump'; readonly atMs: number }
  /** What was dumped is back, by a restart or a failover. */
  | { readonly kind: 'rollback'; readonly atMs: number }
  | { readonly kind: 'checkpoint-deleted'; readonly atMs: number; readonly task: number }
  | { readonly kind: 'wrong-type'; readonly atMs: number; readonly task: number }
  /** One of the task's keys holds another type. */
  | { readonly kind: 'wrong-type-key'; readonly atMs: number; readonly task: number }
  | { readonly kind: 'cut'; readonly atMs: number }
  /** A second process under the same GROUP_INSTANCE_ID. */
  | { readonly kind: 'duplicate'; readonly atMs: number; readonly process: number }
  /** Nothing reaches the broker, or the store, for a while. */
  | { readonly kind: 'outage'; readonly atMs: number; readonly of: 'kafka' | 'redis'; readonly forMs: number }
  /**
   * The broker is killed and comes back after `forMs`; written partitions have no leader for up to `lagMs` more, and markers
   * that would be written to them meanwhile are lost (KAFKA-20734). `denied`: markers of aborts may not be written by clients.
   */
  | {
      readonly kind: 'broker-restart'
      readonly atMs: number
      readonly forMs: number
      readonly lagMs: number
      readonly denied: boolean
    }
  /** The audit, or an evicted key: every task of the process rebuilds its state. */
  | { readonly kind: 'mend'; readonly atMs: number; readonly process: number }
  /** Its tasks take no records for a while. */
  | { readonly kind: 'hold'; readonly atMs: number; readonly process: number; readonly forMs: number }
  /** What its housekeeping does, out of turn: looks at the store, and commits again what is committed. */
  | { readonly kind: 'chores'; readonly atMs: number; readonly process: number }
  /** The time of day of a process jumps. */
  | { readonly kind: 'clock'; readonly atMs: number; readonly process: number; readonly byMs: number }
  | { readonly kind: 'compact'; readonly atMs: number }
  | { readonly kind: 'retention'; readonly atMs: number }

export interface History {
  readonly seed: number
  readonly tasks: number
  /** Partitions of the two sources. */
  readonly partitions: readonly [number, number]
  /** Instances that exist; static ones have a GROUP_INSTANCE_ID. */
  readonly processes: readonly { readonly fixed: boolean; readonly atStart: boolean }[]
  readonly memoryBytesMax: number
  /** Most requests take less than this; now and then one takes ten times as long. */
  readonly latencyMs: number
  readonly redisLatencyMs: number
  readonly markerMs: number
  readonly deleteRetentionMs: number
  readonly events: readonly HistoryEvent[]
}

/** Faults are everything but inputs, housekeeping and orders. */
export const isFault = (event: HistoryEvent): boolean =>
  !['input', 'dump', 'compact', 'retention', 'hold', 'chores'].includes(event.kind)
