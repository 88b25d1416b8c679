/**
 * The stores in memory: same ports, same refusals, no timers and no randomness, for the test driver and the simulator.
 * A MemoryRedis is the server; every store opened on it is a connection to it. Owns the keyspace and the fault hook.
 */
import { checkLayout, taskKeys, versionName } from './core/keys.ts'
import { Keyspace } from './memory/keyspace.ts'
import { MemoryReaderCommands } from './memory/reader-commands.ts'
import { type MemoryCommand, MemoryTaskCommands } from './memory/task-commands.ts'
import type { StateReader, StoreFactory, StoreLayout, TaskStore } from './ports.ts'
import { StoreLost } from './ports.ts'
import { VersionedReader } from './state-reader.ts'
import { GuardedTaskStore } from './task-store.ts'

export type { MemoryCommand } from './memory/task-commands.ts'

/**
 * What becomes of a command: `null` it is carried out and answered; `before` it is lost on its way there; `after` it is
 * carried out and the answer is lost.
 */
export type MemoryFault = (call: { task: number; command: MemoryCommand | 'open' }) => null | 'before' | 'after'

export interface MemoryRedisOptions {
  readonly fault?: MemoryFault
}

export class MemoryRedis {
  readonly keyspace = new Keyspace()
  readonly #fault: MemoryFault
  #versions = 0

  constructor(options: MemoryRedisOptions = {}) {
    this.#fault = options.fault ?? (() => null)
  }

  /** Stores of one layout, opened by one process; several may be opened on one MemoryRedis. Throws LayoutError. */
  stores(layout: StoreLayout): StoreFactory {
    checkLayout(layout)
    return {
      open: async (task) => this.#open(layout, task),
      policy: async () => ({ maxmemoryPolicy: 'noeviction', evictedKeys: 0, version: 'memory' }),
      close: async () => {},
    }
  }

  reader(layout: StoreLayout): StateReader {
    checkLayout(layout)
    return new VersionedReader(layout, new MemoryReaderCommands(this.keyspace, layout.application))
  }

  /** FLUSHALL: everything is gone, and the owners are not told. */
  flush(): void {
    this.keyspace.clear()
  }

  #open(layout: StoreLayout, task: number): TaskStore {
    if (this.#fault({ task, command: 'open' }) !== null) throw lost()
    const keys = taskKeys(layout.application, task)
    const commands = new MemoryTaskCommands(this.keyspace, keys, (command, work) => this.#carry(task, command, work))
    return new GuardedTaskStore({ layout, keys, commands, newVersion: () => this.#newVersion() })
  }

  /** Counted instead of random, so that a run can be repeated. */
  #newVersion(): string {
    this.#versions++
    return versionName(
      Uint8Array.of(this.#versions >>> 24, this.#versions >>> 16, this.#versions >>> 8, this.#versions),
    )
  }

  /** Not async: the command takes effect before this returns, as it would in the order of one connection. */
  #carry<T>(task: number, command: MemoryCommand, work: () => T): Promise<T> {
    const fault = this.#fault({ task, command })
    if (fault === 'before') return Promise.reject(lost())
    try {
      const result = work()
      return fault === 'after' ? Promise.reject(lost()) : Promise.resolve(result)
    } catch (error) {
      return Promise.reject(error)
    }
  }
}

function lost(): StoreLost {
  return new StoreLost('redis.connection', 'the connection was cut')
}
