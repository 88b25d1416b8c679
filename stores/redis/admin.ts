/**
 * Redis for operators: what the server says of itself, an operator's orders, and removing what the application holds. Owns
 * its connection, which is opened with the first command.
 */
import { decodeCheckpoint, encodeCheckpoint } from '../core/checkpoint-codec.ts'
import { applicationPattern, boardKey, isApplicationKey, TASK_FIELDS, taskKeys } from '../core/keys.ts'
import { decodePause, encodePause } from '../core/pause.ts'
import { type Checkpoint, type Pause, type StoreAdmin, StoreLost, type StoreServer } from '../ports.ts'
import type { RedisAddress } from './connection.ts'
import { isList, isTexts, parseKeyPage, textOrNull, unexpected } from './replies.ts'
import { SharedConnection } from './shared-connection.ts'
import { SCAN_KEYS } from './task-commands.ts'

const REBASE = `
if redis.call('HGET', KEYS[1], '${TASK_FIELDS.checkpoint}') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], '${TASK_FIELDS.checkpoint}', ARGV[2])
return 1
`

export interface StoreAdminOptions extends RedisAddress {
  readonly application: string
  /** Names this process in CLIENT LIST. */
  readonly instance: string
}

/** Opens nothing by itself. */
export function openStoreAdmin(options: StoreAdminOptions): StoreAdmin {
  return new RedisStoreAdmin(options)
}

class RedisStoreAdmin implements StoreAdmin {
  readonly #application: string
  readonly #shared: SharedConnection

  constructor(options: StoreAdminOptions) {
    this.#application = options.application
    this.#shared = new SharedConnection(options, `${options.application}:admin:${options.instance}`)
  }

  async server(): Promise<StoreServer> {
    const info = await this.#shared.call('INFO', [])
    if (typeof info !== 'string') throw unexpected('INFO')
    const text = (name: string): string | null => new RegExp(`^${name}:([^\\r\\n]*)`, 'm').exec(info)?.[1] ?? null
    const number = (name: string): number | null => {
      const found = text(name)
      return found === null || !/^\d+$/.test(found) ? null : Number(found)
    }
    const good = [text('rdb_last_bgsave_status'), text('aof_last_write_status')].filter((status) => status !== null)
    const appendOnly = number('aof_enabled')
    return {
      version: text('valkey_version') ?? text('redis_version') ?? 'unknown',
      maxmemoryPolicy: text('maxmemory_policy') ?? (await this.#setting('maxmemory-policy')) ?? 'unknown',
      evictedKeys: number('evicted_keys') ?? 0,
      role: text('role'),
      appendOnly: appendOnly === null ? null : appendOnly === 1,
      persisted: good.length === 0 ? null : good.every((status) => status === 'ok'),
      snapshots: await this.#setting('save'),
      usedBytes: number('used_memory'),
      maxBytes: number('maxmemory'),
    }
  }

  async timeMs(): Promise<number> {
    const reply = await this.#shared.call('TIME', [])
    if (!isList(reply) || reply.length !== 2) throw unexpected('TIME')
    return Number(reply[0]) * 1_000 + Math.floor(Number(reply[1]) / 1_000)
  }

  async leaseHolder(task: number): Promise<string | null> {
    const value = textOrNull(await this.#shared.call('GET', [this.#keys(task).lease]), 'GET')
    return value === null ? null : value.slice(0, Math.max(0, value.lastIndexOf(' ')))
  }

  async pauses(tasks: readonly number[]): Promise<readonly (Pause | null)[]> {
    // One command a task, sent together: they lie in different slots.
    const replies = await Promise.all(tasks.map((task) => this.#shared.call('GET', [this.#keys(task).paused])))
    return replies.map((reply) => {
      const text = textOrNull(reply, 'GET')
      return text === null ? null : decodePause(text)
    })
  }

  async pause(task: number, pause: Pause): Promise<boolean> {
    return (await this.#shared.call('SET', [this.#keys(task).paused, encodePause(pause), 'NX'])) === 'OK'
  }

  async resume(task: number): Promise<boolean> {
    return (await this.#shared.call('DEL', [this.#keys(task).paused])) === 1
  }

  async tell(name: string, json: string): Promise<void> {
    const key = boardKey(this.#application)
    try {
      await this.#shared.call('HSET', [key, name, json])
    } catch (error) {
      if (!(error instanceof StoreLost) || error.code !== 'redis.wrongtype') throw error
      // Somebody's mistake under our name: a label is made anew, there is nothing in it to keep.
      await this.#shared.call('DEL', [key])
      await this.#shared.call('HSET', [key, name, json])
    }
  }

  async told(): Promise<readonly { name: string; json: string }[]> {
    const reply = await this.#shared.call('HGETALL', [boardKey(this.#application)])
    if (!isTexts(reply)) throw unexpected('HGETALL')
    return reply.flatMap((name, at) => (at % 2 === 0 ? [{ name, json: reply[at + 1] ?? '' }] : []))
  }

  async untell(names: readonly string[]): Promise<void> {
    if (names.length > 0) await this.#shared.call('HDEL', [boardKey(this.#application), ...names])
  }

  async forget(task: number): Promise<boolean> {
    return (await this.#shared.call('DEL', [this.#keys(task).task])) === 1
  }

  async rebase(task: number, from: Checkpoint, to: Checkpoint): Promise<boolean> {
    const key = this.#keys(task).task
    const found = textOrNull(await this.#shared.call('HGET', [key, TASK_FIELDS.checkpoint]), 'HGET')
    const known = decodeCheckpoint(found)
    if (found === null || known === null || encodeCheckpoint(known) !== encodeCheckpoint(from)) return false
    return (await this.#shared.call('EVAL', [REBASE, 1, key, found, encodeCheckpoint(to)])) === 1
  }

  async count(keysMax: number): Promise<{ keys: number; complete: boolean }> {
    const found = new Set<string>()
    for await (const keys of this.#scan()) {
      for (const key of keys) found.add(key)
      if (found.size >= keysMax) return { keys: keysMax, complete: false }
    }
    return { keys: found.size, complete: true }
  }

  async clear(): Promise<number> {
    let removed = 0
    const guards: string[] = []
    for await (const keys of this.#scan()) {
      guards.push(...keys.filter(isGuard))
      removed += await this.#unlink(keys.filter((key) => !isGuard(key)))
    }
    await this.#unlink([boardKey(this.#application)])
    return removed + (await this.#unlink(guards))
  }

  async close(): Promise<void> {
    await this.#shared.close()
  }

  #keys(task: number) {
    return taskKeys(this.#application, task)
  }

  async #unlink(keys: readonly string[]): Promise<number> {
    const replies = await Promise.all(keys.map((key) => this.#shared.call('UNLINK', [key])))
    return replies.reduce<number>((sum, reply) => sum + Number(reply), 0)
  }

  /** Every key of the application but the pauses. */
  async *#scan(): AsyncGenerator<readonly string[]> {
    const pattern = applicationPattern(this.#application)
    let cursor = '0'
    do {
      const page = parseKeyPage(await this.#shared.call('SCAN', [cursor, 'MATCH', pattern, 'COUNT', SCAN_KEYS]))
      yield page.keys.filter((key) => isApplicationKey(this.#application, key) && !key.endsWith('}:paused'))
      cursor = page.cursor
    } while (cursor !== '0')
  }

  /** Null where a managed server refuses CONFIG. */
  async #setting(name: string): Promise<string | null> {
    try {
      const reply = await this.#shared.call('CONFIG', ['GET', name])
      const value: unknown = isList(reply) ? reply[1] : null
      return typeof value === 'string' ? value : null
    } catch {
      return null
    }
  }
}

const isGuard = (key: string): boolean => /\}:task$/.test(key) && key.indexOf('}') === key.length - '}:task'.length
