/**
 * What the engine needs of the place where state is kept for reading: Redis (stores/redis), its model in memory
 * (stores/memory.ts), one contract suite for both. The store is a replica of committed state: it may lag, never lead.
 *
 * One TaskStore is one attempt of one owner at one task on one connection that never reconnects. Any StoreLost, and any
 * refusal, ends it: the engine throws it away and takes the task over again from the beginning (design: recovery).
 */
import type { Offset } from '../engine/core/numbers.ts'

/** How far the store has been brought: names the last applied checkpoint record of the changelog. */
export interface Checkpoint {
  /** Number of the batch, rises by one per batch of the task. */
  readonly batch: number
  /** Offset of that batch's checkpoint record in the changelog. */
  readonly offset: Offset
  /** Offset of the first changelog record of that batch: replay starts here, inclusive. */
  readonly firstOffset: Offset
  /** When its commit was known, ms since 1970, the owner's clock. */
  readonly committedAtMs: number
  readonly clusterId: string
  readonly changelogTopicId: string
  /** Of the consumer group that its owner is a member of; absent in what was written before it was kept. */
  readonly groupId?: string
  /** Name of the key set that holds the state; another one is built by a rebuild and switched to by a checkpoint. */
  readonly stateVersion: string
  /** The task's counters as of that batch (for readers; the engine takes its own from the changelog). */
  readonly counters: Readonly<Record<string, number>>
  /** Per output topic and partition: the end offset behind what this task has published. */
  readonly published: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** Per source topic and partition: the next offset to read. */
  readonly positions: Readonly<Record<string, Readonly<Record<string, number>>>>
}

/** One entry of a store set to an absolute value. `json` null deletes. `field` null for a `value` store. */
export interface Change {
  readonly store: string
  readonly key: string
  readonly field: string | null
  readonly json: string | null
}

export type ReadRequest =
  /** One field of a `map` store, or (field null) the value of a `value` store. */
  | { readonly kind: 'entry'; readonly store: string; readonly key: string; readonly field: string | null }
  /** All fields of one key of a `map` store. */
  | { readonly kind: 'all'; readonly store: string; readonly key: string }
  /** Members of one group of an index that have exactly this score. */
  | { readonly kind: 'members'; readonly index: string; readonly group: string; readonly score: number }

/** One field of a `map` store, or (field null) the value of a `value` store. */
export interface EntryRequest {
  readonly store: string
  readonly key: string
  readonly field: string | null
}

export type ReadAnswer =
  | { readonly kind: 'entry'; readonly json: string | null }
  | { readonly kind: 'all'; readonly entries: readonly (readonly [field: string, json: string])[] }
  /** At most MEMBERS_MAX of read-plan.ts. */
  | { readonly kind: 'members'; readonly members: readonly string[] }

/** The guard did not hold: owner, checkpoint or step is another than expected. Nothing was written; nothing read counts. */
export class StoreRefused extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'StoreRefused'
  }
}

/** The connection is gone or a command failed; whether it was applied is unknown. `code` is stable and names the kind, never the arguments. */
export class StoreLost extends Error {
  readonly code: string
  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'StoreLost'
    this.code = code
  }
}

/** Takeover (b): state of another cluster or changelog topic is there; nothing was written. */
export class StoreForeign extends Error {
  readonly found: { clusterId: string; changelogTopicId: string }
  constructor(found: { clusterId: string; changelogTopicId: string }) {
    super(`the store holds state of cluster ${found.clusterId}, changelog ${found.changelogTopicId}`)
    this.name = 'StoreForeign'
    this.found = found
  }
}

export interface OwnerLabel {
  /** Fresh and random per claim. */
  readonly token: string
  readonly instance: string
  readonly transactionalId: string
  readonly clusterId: string
  readonly changelogTopicId: string
}

export interface TaskStore {
  /**
   * Takeover (b): writes the owner token by one script. From here every write and read of a predecessor is refused.
   * Answers the checkpoint found (null: none, or not readable). Throws StoreForeign, StoreLost.
   */
  claim(owner: OwnerLabel): Promise<Checkpoint | null>
  /**
   * Guarded read: counts only if owner and checkpoint are as of the last write sent on this connection before it.
   * Answers stand in the order of the requests. Any number of requests; large sets are sliced inside.
   * Throws StoreRefused, StoreLost.
   */
  read(requests: readonly ReadRequest[]): Promise<readonly ReadAnswer[]>
  /**
   * Guarded write of one batch, checkpoint last. A large one is cut inside, each part sent when the one before has
   * answered, and only the last sets the checkpoint. Throws StoreRefused, StoreLost.
   */
  apply(changes: readonly Change[], checkpoint: Checkpoint): Promise<void>
  /**
   * Replay into the live version: like apply, but may leave the checkpoint as it was (null).
   */
  replay(changes: readonly Change[], checkpoint: Checkpoint | null): Promise<void>
  /** Starts a rebuild: registers a fresh random version; replay() then writes under it until switchTo(). */
  beginRebuild(): Promise<string>
  /** Ends a rebuild: one guarded write makes `checkpoint.stateVersion` (the version being built) the live one. */
  switchTo(checkpoint: Checkpoint): Promise<void>
  /** One step of removing keys of versions that are neither live nor being built; true when nothing is left. Guarded. */
  sweep(): Promise<boolean>
  /** Ends the connection. Never throws. */
  close(): Promise<void>
}

export interface StoreFactory {
  /** Opens a dedicated connection for one attempt at a task. Throws StoreLost. */
  open(task: number): Promise<TaskStore>
  /** Eviction policy and counters, for the check at start and every 10 s. */
  policy(): Promise<{ maxmemoryPolicy: string; evictedKeys: number; version: string }>
  close(): Promise<void>
}

/** One member of an index, as it lies in the store. */
export interface IndexEntry {
  readonly group: string
  readonly member: string
  readonly score: number
}

/** Members of an index in score order, from one rank on, and how many there are in all. */
export interface MemberPage {
  readonly members: readonly string[]
  readonly total: number
}

/** An answer with what it was as of. */
export interface Stamped<T> {
  readonly answer: T
  /** The answer is this batch's state or a later one's; null: the store has no state of this task, so nothing was found. */
  readonly checkpoint: Checkpoint | null
}

/** Reads for people and for the API: no ownership, no guard but the version, which is read again afterwards. */
export interface StateReader {
  task(task: number): Promise<{
    owner: string | null
    instance: string | null
    transactionalId: string | null
    checkpoint: Checkpoint | null
    /** Of a write into the live version only a part has come: its values are of no one moment. */
    isPartial: boolean
  } | null>
  get(task: number, store: string, key: string, field: string | null): Promise<string | null>
  all(task: number, store: string, key: string): Promise<readonly (readonly [string, string])[]>
  /** Page of an index: members in score order, and the total. */
  page(task: number, index: string, group: string, from: number, count: number): Promise<MemberPage>
  /** Members of an index group with exactly this score. */
  byScore(task: number, index: string, group: string, score: number): Promise<readonly string[]>
  /** Entries in the order asked, one round trip for all of them; null: not there. */
  entries(task: number, requests: readonly EntryRequest[]): Promise<Stamped<readonly (string | null)[]>>
  /** As page. */
  members(task: number, index: string, group: string, from: number, count: number): Promise<Stamped<MemberPage>>
  /** Size of an index group and its highest score; null when it is empty. */
  span(
    task: number,
    index: string,
    group: string,
  ): Promise<Stamped<{ readonly total: number; readonly last: number | null }>>
  /** How many members of the group have a lower score. */
  countBelow(task: number, index: string, group: string, score: number): Promise<Stamped<number>>
  /** The first members of the group with this score or a higher one, in score order. */
  membersFrom(
    task: number,
    index: string,
    group: string,
    score: number,
    count: number,
  ): Promise<Stamped<readonly { readonly member: string; readonly score: number }[]>>
  /** Every entry of every store of the task, as changes, for verify and export. Streams. */
  dump(task: number): AsyncIterable<Change>
  /** Every member of one index of the task, for verify. In no order, and a member may come twice. Streams. */
  dumpIndex(task: number, index: string): AsyncIterable<IndexEntry>
  close(): Promise<void>
}

/** What the store has to know of the topology: plain data and pure functions. */
export interface StoreLayout {
  readonly application: string
  readonly stores: readonly { readonly name: string; readonly kind: 'value' | 'map' }[]
  /** Derived on every change of `store`; never in the changelog. Stored as a sorted set per group. */
  readonly indexes: readonly {
    readonly name: string
    readonly store: string
    readonly group: (key: string, field: string) => string
    readonly member: (key: string, field: string) => string
    readonly score: (key: string, field: string) => number
    /** Its groups are the store's keys, its members their fields, which are numbers: see core/field-order.ts. */
    readonly isFieldOrder: boolean
  }[]
}

/** An operator's standing order that a task takes no records: kept until it is taken back. */
export interface Pause {
  /** ISO 8601. */
  readonly since: string
  /** Who, for people. */
  readonly by: string
}

/** The server as its operators look at it. Null: it does not tell. */
export interface StoreServer {
  readonly version: string
  readonly maxmemoryPolicy: string
  readonly evictedKeys: number
  /** `master`, `slave`. */
  readonly role: string | null
  readonly appendOnly: boolean | null
  /** The last snapshot, or append-only write, was good. */
  readonly persisted: boolean | null
  /** Seconds and changes after which a snapshot is made, as configured; empty: never. */
  readonly snapshots: string | null
  readonly usedBytes: number | null
  /** 0: no limit of its own. */
  readonly maxBytes: number | null
}

/** Where the instances of an application tell of themselves, each by its name. Throws StoreLost. */
export interface InstanceBoard {
  tell(name: string, json: string): Promise<void>
  /** In no order. */
  told(): Promise<readonly { readonly name: string; readonly json: string }[]>
  untell(names: readonly string[]): Promise<void>
}

/** Looking at and cleaning up what the store holds of the application, for operators. Throws StoreLost. */
export interface StoreAdmin extends InstanceBoard {
  server(): Promise<StoreServer>
  /** The server's clock, ms since 1970. */
  timeMs(): Promise<number>
  /** Who holds the task's lease, a label; null: nobody. */
  leaseHolder(task: number): Promise<string | null>
  /** Answers stand in the order of the tasks. What is there and cannot be read is a pause of nobody's. */
  pauses(tasks: readonly number[]): Promise<readonly (Pause | null)[]>
  /** False: it was paused already, and stays so as it was. */
  pause(task: number, pause: Pause): Promise<boolean>
  /** False: it was not paused. */
  resume(task: number): Promise<boolean>
  /** Removes the task's hash, its guard: the owner finds its checkpoint gone and rebuilds. False: it was not there. */
  forget(task: number): Promise<boolean>
  /** Puts one checkpoint in the place of another, for a changelog that was written anew. False: it is not `from` any more. */
  rebase(task: number, from: Checkpoint, to: Checkpoint): Promise<boolean>
  /** Keys of the application's tasks but the pauses; `complete` false: it stopped at `keysMax`. */
  count(keysMax: number): Promise<{ readonly keys: number; readonly complete: boolean }>
  /**
   * Removes every key of the application but the pauses, the board too. The guards of the tasks go last, so that what is left of a
   * removal that broke off is foreign to a new changelog. Answers how many.
   */
  clear(): Promise<number>
  close(): Promise<void>
}
