/**
 * The commands that a store needs of the place where keys live, each atomic there: scripts in Redis (redis/), functions
 * over a Map in memory (memory/). Who may send what when is decided above them, in task-store.ts and state-reader.ts.
 *
 * A command takes effect in the order of the calls: it is sent before the call returns its promise. Every command
 * throws StoreLost when no answer came or the answer was an error.
 */
import type { SliceKey, SliceReply } from './core/read-plan.ts'
import type { WritePlan } from './core/write-plan.ts'
import type { MemberPage, OwnerLabel } from './ports.ts'

/** What must be true when a guarded command is carried out; else it does nothing and answers so. */
export interface Guard {
  readonly token: string
  /** Text of the checkpoint as last set or found; '' for none. */
  readonly checkpoint: string
  /** The version under construction that must be registered; '' when it does not matter. */
  readonly building: string
  /**
   * Writes since the claim or the checkpoint that left the checkpoint as it was. Owner, checkpoint and step together name
   * one state, also in the middle of a batch or a rebuild: a store that has gone back to an older one is refused.
   */
  readonly step: number
}

export type ClaimAnswer =
  | { readonly kind: 'claimed'; readonly checkpoint: string }
  | { readonly kind: 'foreign'; readonly clusterId: string; readonly changelogTopicId: string }

/** What a sweep has to know; `swept` false: keys of versions that the hash does not list may exist. */
export interface Inspection {
  readonly live: string | null
  readonly versions: readonly string[]
  readonly swept: boolean
}

export interface KeyPage {
  /** '0' when the walk is complete. */
  readonly cursor: string
  readonly keys: readonly string[]
}

export interface HashPage {
  readonly cursor: string
  /** Fields and values by turns; a field may come twice in a walk. */
  readonly pairs: readonly string[]
}

export interface SetPage {
  readonly cursor: string
  /** A member may come twice in a walk. */
  readonly members: readonly ScoredMember[]
}

export interface TaskCommands {
  claim(owner: OwnerLabel): Promise<ClaimAnswer>
  /** null: refused. */
  read(guard: Guard, keys: readonly SliceKey[]): Promise<readonly SliceReply[] | null>
  /** One page of a large hash; null: refused. */
  scanHash(guard: Guard, key: string, cursor: string): Promise<HashPage | null>
  /** Carries out the plan and then sets the checkpoint; '' leaves it and is one step more. False: refused. */
  write(guard: Guard, plan: WritePlan, checkpoint: string): Promise<boolean>
  /** Lists `version` and makes it the one under construction. False: refused. */
  register(guard: Guard, version: string): Promise<boolean>
  /** Makes guard.building live by setting the checkpoint. False: refused. */
  switchTo(guard: Guard, checkpoint: string): Promise<boolean>
  /** Forgets a version under construction other than `building` ('' = none): its builder lost the task. null: refused. */
  inspect(token: string, building: string): Promise<Inspection | null>
  /** One step over the keys of the task, guarded by nothing. */
  scanKeys(cursor: string): Promise<KeyPage>
  /** Removes `keys` of `versions`, none of which may be live or under construction. False: refused. */
  remove(token: string, versions: readonly string[], keys: readonly string[]): Promise<boolean>
  /** Ends a sweep: takes `versions` off the list. False: refused. */
  finishSweep(token: string, versions: readonly string[]): Promise<boolean>
  /** Never throws. */
  close(): Promise<void>
}

export interface TaskFields {
  readonly owner: string | null
  readonly instance: string | null
  readonly transactionalId: string | null
  readonly checkpoint: string | null
  /** Of a write into the live version only a part has come: its values are of no one moment. */
  readonly isPartial: boolean
}

/** `field` null: a whole value. */
export interface EntryKey {
  readonly key: string
  readonly field: string | null
}

export interface ScoredMember {
  readonly member: string
  readonly score: number
}

/** Reads without a guard, over a connection that others share. */
export interface ReaderCommands {
  /** null: the task has no hash. */
  task(task: number): Promise<TaskFields | null>
  /** `field` null: a whole value. */
  get(key: string, field: string | null): Promise<string | null>
  /** Members from..from+count-1 in score order, and the number of members. */
  range(key: string, from: number, count: number): Promise<MemberPage>
  /**
   * As range, of the fields of a hash: from `set`, which has them in order, where it is there; else they are taken from the hash
   * itself, few by then, and sorted.
   */
  orderedFields(hash: string, set: string, from: number, count: number): Promise<MemberPage>
  rangeByScore(key: string, score: number, count: number): Promise<readonly string[]>
  /** Values in the order asked, in one round trip. */
  getAll(entries: readonly EntryKey[]): Promise<readonly (string | null)[]>
  /** Number of members and the highest score; null when there is none. */
  span(key: string): Promise<{ total: number; last: number | null }>
  /** Number of members with a lower score. */
  countBelow(key: string, score: number): Promise<number>
  /** The first `count` members with this score or a higher one, in score order. */
  rangeFrom(key: string, score: number, count: number): Promise<readonly ScoredMember[]>
  scanKeys(task: number, cursor: string): Promise<KeyPage>
  scanHash(key: string, cursor: string): Promise<HashPage>
  scanSet(key: string, cursor: string): Promise<SetPage>
  close(): Promise<void>
}
