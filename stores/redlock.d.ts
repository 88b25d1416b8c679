/**
 * Types of redlock 5.0.0-beta.2, as far as lease.ts uses it. Its package.json names its types where a resolver that
 * follows "exports" does not look.
 */
declare module 'redlock' {
  import type { EventEmitter } from 'node:events'
  import type { Redis } from 'ioredis'

  export interface Settings {
    readonly driftFactor: number
    readonly retryCount: number
    readonly retryDelay: number
    readonly retryJitter: number
  }

  export interface ExecutionStats {
    readonly votesAgainst: ReadonlyMap<Redis, Error>
  }

  export class ResourceLockedError extends Error {}

  export class ExecutionError extends Error {
    readonly attempts: ReadonlyArray<Promise<ExecutionStats>>
  }

  export class Lock {
    readonly value: string
    /** Ms since 1970; 0 once released or replaced. */
    expiration: number
  }

  export default class Redlock extends EventEmitter {
    constructor(clients: Iterable<Redis>, settings?: Partial<Settings>)
    acquire(resources: string[], durationMs: number): Promise<Lock>
    extend(lock: Lock, durationMs: number): Promise<Lock>
    release(lock: Lock): Promise<unknown>
    /** The value a lock is stored with. Private upstream; pinned by version and by a test. */
    protected _random(): string
  }
}
