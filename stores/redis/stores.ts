/**
 * Redis as the place where state is kept: opens task stores and readers. Owns the names of connections (CLIENT LIST)
 * and what is asked about the server itself.
 */
import { randomBytes } from 'node:crypto'
import { checkLayout, taskKeys, versionName } from '../core/keys.ts'
import type { StateReader, StoreFactory, StoreLayout, TaskStore } from '../ports.ts'
import { VersionedReader } from '../state-reader.ts'
import { GuardedTaskStore } from '../task-store.ts'
import { type RedisAddress, RedisConnection } from './connection.ts'
import { RedisReaderCommands } from './reader-commands.ts'
import { unexpected } from './replies.ts'
import { SharedConnection } from './shared-connection.ts'
import { RedisTaskCommands } from './task-commands.ts'

const VERSION_BYTES = 10

export interface RedisStoresOptions extends RedisAddress {
  readonly layout: StoreLayout
  /** Names this process in CLIENT LIST. */
  readonly instance: string
}

/** Opens nothing by itself. Throws LayoutError. */
export function openRedisStores(options: RedisStoresOptions): StoreFactory {
  checkLayout(options.layout)
  const { layout, instance } = options
  const shared = new SharedConnection(options, `${layout.application}:policy:${instance}`)
  return {
    async open(task: number): Promise<TaskStore> {
      const keys = taskKeys(layout.application, task)
      const connection = await RedisConnection.open(options, `${layout.application}:${task}:${instance}`)
      try {
        const commands = await RedisTaskCommands.on(connection, keys)
        return new GuardedTaskStore({ layout, keys, commands, newVersion })
      } catch (error) {
        connection.close()
        throw error
      }
    },
    policy: () => readPolicy(shared),
    close: () => shared.close(),
  }
}

/** Opens its connection with the first read. Throws LayoutError. */
export function openStateReader(options: RedisStoresOptions): StateReader {
  checkLayout(options.layout)
  const { layout, instance } = options
  const shared = new SharedConnection(options, `${layout.application}:reader:${instance}`)
  return new VersionedReader(layout, new RedisReaderCommands(layout.application, shared))
}

function newVersion(): string {
  return versionName(randomBytes(VERSION_BYTES))
}

/** INFO tells all of it; CONFIG, which managed servers refuse, is asked only where INFO does not. */
async function readPolicy(shared: SharedConnection): ReturnType<StoreFactory['policy']> {
  const info = await shared.call('INFO', [])
  if (typeof info !== 'string') throw unexpected('INFO')
  const field = (name: string) => new RegExp(`^${name}:([^\\r\\n]*)`, 'm').exec(info)?.[1]
  return {
    maxmemoryPolicy: field('maxmemory_policy') ?? (await readConfig(shared, 'maxmemory-policy')),
    evictedKeys: Number(field('evicted_keys') ?? 0),
    version: field('valkey_version') ?? field('redis_version') ?? 'unknown',
  }
}

async function readConfig(shared: SharedConnection, name: string): Promise<string> {
  const reply = await shared.call('CONFIG', ['GET', name])
  const value: unknown = Array.isArray(reply) ? reply[1] : undefined
  return typeof value === 'string' ? value : 'unknown'
}
