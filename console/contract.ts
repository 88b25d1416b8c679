/**
 * What the operators' HTTP interface answers: one type per answer, for the server that makes it and the page that shows it.
 * Types only. Plain JSON under `/api/operator`; errors are those of the REST interface (`{"errors":[…]}`).
 *
 * | | |
 * |---|---|
 * | GET  `/topology` | TopologyView |
 * | GET  `/overview` | Overview |
 * | GET  `/series` | Series |
 * | GET  `/events?tenant=&characterId=&type=` | text/event-stream, the lines of `/api/events`, of every tenant when none is given |
 * | GET  `/tasks/{task}/entries?limit=` | EntriesView |
 * | GET  `/characters/{id}/notes?tenant=&from=&limit=` | NotesView |
 * | GET  `/notes/{id}?tenant=` | NotesView |
 * | GET  `/characters/{id}/history?tenant=&limit=`, `/notes/{id}/history?tenant=&limit=` | HistoryView |
 * | GET  `/dead-letters?reason=&limit=` | DeadLettersView |
 * | GET  `/dead-letters/{partition}/{offset}` | DeadLetterView |
 * | GET  `/dead-letters/{partition}/{offset}/value` | the original bytes, application/octet-stream |
 * | GET  `/doctor` | DoctorView |
 * | GET  `/config` | ConfigView |
 * | GET  `/session` | SessionView |
 * | POST `/dead-letters/replay` (ReplayOrder) | ReplayReport of operations/replay.ts |
 * | POST `/tasks/pause`, `/tasks/resume` (TasksOrder) | TasksResult |
 *
 * Reads are open on loopback, and need the token from elsewhere; POSTs need the token always.
 */
import type { DeadLetterJson } from '../operations/core/dead-letter.ts'
import type { Finding } from '../operations/core/doctor.ts'
import type { Flow, Quantiles } from '../operations/core/flow.ts'
import type { PausedTask } from '../operations/pause.ts'
import type { PartitionView } from '../operations/tasks.ts'
import type { Pause } from '../stores/ports.ts'
import type { TopologyDescription } from '../topology/describe.ts'

export type { ReplayReport } from '../operations/replay.ts'

// --- the topology, drawn ---

export type NodeKind = 'source' | 'handler' | 'store' | 'counter' | 'index' | 'sink' | 'dead-letters'

export interface DrawnNode {
  readonly id: string
  readonly kind: NodeKind
  readonly label: string
  /** Real name of a source's or sink's topic; else null. */
  readonly topic: string | null
  /** Centre and size, px of the drawing. */
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface DrawnEdge {
  readonly id: string
  readonly from: string
  readonly to: string
  readonly points: readonly { readonly x: number; readonly y: number }[]
  /** Which of Overview.rates flows along it: a key of RateTable; null: none is known. */
  readonly rate: string | null
}

export interface TopologyView {
  readonly application: string
  readonly group: string
  readonly tasks: number
  readonly description: TopologyDescription
  /** Real name of each topic by its declared name. */
  readonly topics: Readonly<Record<string, string>>
  readonly drawing: {
    readonly width: number
    readonly height: number
    readonly nodes: readonly DrawnNode[]
    readonly edges: readonly DrawnEdge[]
  }
}

// --- what runs ---

/** The state of a task as its instance tells it; `unknown`: no living instance tells of it. */
export type ShownState = 'taking-over' | 'restoring' | 'running' | 'waiting' | 'stopped' | 'lost' | 'unknown'

export interface TaskRow {
  readonly task: number
  readonly state: ShownState
  /** Why it is not running; for `stopped` it begins with the stop code. */
  readonly reason: string | null
  /** What mends a stop. */
  readonly remedy: string | null
  /** Whoever claimed it last. */
  readonly instance: string | null
  readonly paused: Pause | null
  /** Changelog offsets done and to do; null: it does not restore. */
  readonly restore: { readonly done: number; readonly total: number } | null
  /** Last batch in Redis and how long ago that was committed. */
  readonly batch: number | null
  readonly ageMs: number | null
  readonly lag: number
  /** False: `lag` is an upper bound. */
  readonly exact: boolean
  readonly recordsPerSecond: number | null
  /** Committed and not yet in Redis. */
  readonly unapplied: number | null
  readonly partitions: readonly PartitionView[]
}

export interface InstanceRow {
  readonly name: string
  /** This one answers you. */
  readonly self: boolean
  readonly url: string | null
  /** ISO 8601. */
  readonly startedAt: string
  readonly heardAgoMs: number
  readonly tasks: readonly number[]
  readonly ready: boolean
  readonly reasons: readonly string[]
  readonly recordsPerSecond: number | null
  readonly heapBytes: number
  readonly version: string
}

/** Per second, by `in:<declared topic>:<type>`, `out:<declared topic>`, `dead:<declared topic>`, `forward`. */
export type RateTable = Readonly<Record<string, number>>

/** Of all living instances together, over about the last 5 s. Null: nothing happened, or not known yet. */
export type { Flow, Quantiles }

export interface Notice {
  /** ISO 8601, newest first. */
  readonly at: string
  readonly instance: string
  readonly level: 'info' | 'warn' | 'error'
  readonly code: string
  readonly text: string
}

export interface Overview {
  readonly atMs: number
  readonly group: { readonly id: string; readonly state: string; readonly members: number }
  readonly instances: readonly InstanceRow[]
  /** In order of their numbers. */
  readonly tasks: readonly TaskRow[]
  readonly lag: number
  /** Lag by declared source topic. */
  readonly lagByTopic: Readonly<Record<string, number>>
  readonly flow: Flow
  readonly rates: RateTable
  /** The last things worth telling, of all instances. */
  readonly notices: readonly Notice[]
}

/** Points of the last quarter of an hour, oldest first, equally long columns; null: not known. */
export interface Series {
  readonly stepMs: number
  readonly atMs: readonly number[]
  readonly recordsPerSecond: readonly (number | null)[]
  readonly lag: readonly (number | null)[]
  readonly endToEndP50Ms: readonly (number | null)[]
  readonly endToEndP99Ms: readonly (number | null)[]
  readonly transactionP50Ms: readonly (number | null)[]
  readonly transactionP99Ms: readonly (number | null)[]
}

// --- state ---

export interface Entry {
  readonly store: string
  readonly key: string
  readonly field: string | null
  readonly json: string
}

/** Some entries of a task, whichever come first. */
export interface EntriesView {
  readonly task: number
  readonly entries: readonly Entry[]
  readonly complete: boolean
}

export interface NoteView {
  readonly tenantId: string
  readonly characterId: number
  readonly noteId: number
  readonly note: { readonly senderId: number; readonly message: string; readonly flag: number; readonly time: string }
}

export interface NotesView {
  /** Null: the id tells no task. */
  readonly task: number | null
  /** In order of tenant, then id. */
  readonly notes: readonly NoteView[]
  /** How many there are in all. */
  readonly total: number
  /** As of; null: the task has no state, or a whole task was walked through, which has no one moment. */
  readonly batch: number | null
  readonly ageMs: number | null
}

export interface HistoryView {
  readonly task: number | null
  /** Newest first. */
  readonly changes: readonly ChangeView[]
  readonly complete: boolean
}

export interface ChangeView {
  readonly tenantId: string
  readonly characterId: number
  readonly noteId: number
  /** What it became; null: it was removed. */
  readonly note: NoteView['note'] | null
  readonly changelog: { readonly topic: string; readonly partition: number; readonly offset: number }
  readonly batch: number | null
  /** ISO 8601: of the record that caused it. */
  readonly at: string | null
  readonly cause: { readonly topic: string; readonly partition: number; readonly offset: number } | null
  readonly command: {
    readonly type: string | null
    readonly transactionId: string | null
    readonly traceparent: string | null
  } | null
}

// --- dead letters ---

export interface DeadLettersView {
  readonly topic: string
  /** False: there may be older ones. */
  readonly complete: boolean
  /** Among those looked at: how many of a reason, and how many of them were not replayed. */
  readonly reasons: readonly { readonly reason: string; readonly count: number; readonly waiting: number }[]
  /** Newest first. */
  readonly letters: readonly DeadLetterJson[]
}

/** The whole letter: nothing is cut. */
export interface DeadLetterView {
  readonly letter: DeadLetterJson
  /** Where a replay would send it; null with `refused`: why it cannot. */
  readonly target: string | null
  readonly refused: string | null
}

export interface ReplayOrder {
  /** `partition@offset`; absent or empty: all that wait, or all that wait of `reason`. */
  readonly places?: readonly string[]
  readonly reason?: string
  readonly limit?: number
  /** False: a dry run. */
  readonly execute: boolean
  /** Who, for the record of it. */
  readonly by?: string
}

// --- orders to tasks ---

export interface TasksOrder {
  /** `all`, or numbers. */
  readonly tasks: 'all' | readonly number[]
  readonly by?: string
}

export interface TasksResult {
  readonly tasks: readonly PausedTask[]
}

// --- the rest ---

export interface DoctorView {
  readonly findings: readonly Finding[]
}

export interface ConfigView {
  /** Secrets masked. */
  readonly config: Readonly<Record<string, unknown>>
}

export interface SessionView {
  /** This request could act: it brought the right token. */
  readonly canAct: boolean
  readonly version: string
  readonly instance: string
  /** Of the process that answers, as it knows itself: told when neither Kafka nor Redis is there, too. */
  readonly ready: boolean
  readonly reasons: readonly string[]
}
