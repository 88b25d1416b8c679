/** Where a running stack can be reached, in a file of the cache folder: so that the CLI finds it without being told. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { processAlive } from '../scripts/file-lock.mjs'
import { cacheFolder } from './cache-folder.ts'

export interface StackAddresses {
  readonly bootstrapServers: string
  readonly redisUrl: string
  /** `http://host:port`, when a service runs on the stack. */
  readonly restUrl?: string
  /** The process that owns the stack. */
  readonly pid: number
  /** ISO 8601. */
  readonly startedAt: string
}

/** Replaces the file as a whole; the last stack started wins. Returns its removal, which leaves another stack's file alone. */
export function writeStackFile(addresses: StackAddresses): () => void {
  const path = stackFile()
  const temporary = `${path}.${process.pid}`
  writeFileSync(temporary, `${JSON.stringify(addresses)}\n`, { mode: 0o600 })
  renameSync(temporary, path)
  return () => {
    if (parse(path)?.pid === addresses.pid) rmSync(path, { force: true })
  }
}

/** The addresses of the stack that runs now; null when there is none, or its process is gone. */
export function readStackFile(): StackAddresses | null {
  const addresses = parse(stackFile())
  return addresses && processAlive(addresses.pid) ? addresses : null
}

function stackFile(): string {
  return join(cacheFolder(), 'stack.json')
}

function parse(path: string): StackAddresses | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return isAddresses(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isAddresses(value: unknown): value is StackAddresses {
  if (typeof value !== 'object' || value === null) return false
  const { bootstrapServers, redisUrl, restUrl, pid, startedAt } = value as Record<string, unknown>
  return (
    typeof bootstrapServers === 'string' &&
    typeof redisUrl === 'string' &&
    (restUrl === undefined || typeof restUrl === 'string') &&
    typeof pid === 'number' &&
    typeof startedAt === 'string'
  )
}
