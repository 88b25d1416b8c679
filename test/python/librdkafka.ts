/**
 * Whole topics as librdkafka reads them: a second witness beside Java, with no code in common. Owns the wheel that it needs,
 * installed by pip once per Python into the cache folder, never into the checkout or the system.
 */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { cacheFolder } from '../../embedded/cache-folder.ts'
import { spawnGuarded } from '../../embedded/guarded-child.ts'
import { outputOf } from '../../embedded/java.ts'
import type { LogRecord } from '../java/log-record.ts'

/** Brings librdkafka of the same number along. */
const WHEEL = 'confluent-kafka==2.16.1'
const INSTALL_TIMEOUT_MS = 120_000
const READ_SECONDS = 60
const SCRIPT = join(import.meta.dirname, 'log_reader.py')

export type Isolation = 'read_committed' | 'read_uncommitted'

export interface Librdkafka {
  /** Empty when it can be used; else why not. */
  readonly reason: string
  /** Each topic's records in the order of its partitions' offsets. */
  read(
    bootstrapServers: string,
    topics: readonly string[],
    isolation: Isolation,
  ): Promise<ReadonlyMap<string, readonly LogRecord[]>>
}

let found: Promise<Librdkafka> | undefined

/** Installs it at the first call of a machine. Never throws: what is missing is a reason. */
export function librdkafka(): Promise<Librdkafka> {
  found ??= install().then(
    (folder) => ({ reason: '', read: (...args) => read(folder, ...args) }),
    (error: unknown) => ({
      reason: `skipped: ${error instanceof Error ? error.message : String(error)}`,
      read: () => Promise.reject(error),
    }),
  )
  return found
}

async function install(): Promise<string> {
  const version = (await outputOf('python3', ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])']))?.trim()
  if (version === undefined) throw new Error('no python3 on the PATH')
  const parent = join(cacheFolder(), 'python')
  const folder = join(parent, `${WHEEL.replace('==', '-')}-py${version}`)
  if (existsSync(folder)) return folder
  if ((await outputOf('python3', ['-m', 'pip', '--version'])) === undefined) throw new Error('python3 without pip')
  mkdirSync(parent, { recursive: true })
  // Beside its place, so that what is there is always whole.
  const unfinished = mkdtempSync(join(parent, 'installing-'))
  try {
    const flags = ['--quiet', '--disable-pip-version-check', '--only-binary', ':all:', '--target', unfinished]
    await run('python3', ['-m', 'pip', 'install', ...flags, WHEEL], INSTALL_TIMEOUT_MS)
    renameSync(unfinished, folder)
  } catch (error) {
    // Another process may have been faster.
    if (!existsSync(folder)) throw error
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
  return folder
}

async function run(command: string, args: readonly string[], timeoutMs: number): Promise<void> {
  const child = await spawnGuarded({ command, args: [...args] })
  const timer = setTimeout(() => child.signal('SIGKILL'), timeoutMs)
  const [out, error, { code }] = await Promise.all([text(child.stdout!), text(child.stderr!), child.exited])
  clearTimeout(timer)
  if (code !== 0) throw new Error(`pip cannot install ${WHEEL}: ${(out + error).trim().split('\n').at(-1)}`)
}

async function read(
  folder: string,
  bootstrapServers: string,
  topics: readonly string[],
  isolation: Isolation,
): Promise<ReadonlyMap<string, readonly LogRecord[]>> {
  const { PATH = '', HOME = '' } = process.env
  const child = await spawnGuarded({
    command: 'python3',
    args: [SCRIPT, bootstrapServers, isolation, String(READ_SECONDS), ...topics],
    env: { PATH, HOME, PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: '1' },
  })
  const records = new Map(topics.map((topic) => [topic, [] as LogRecord[]]))
  const errors = text(child.stderr!)
  let done = -1
  let count = 0
  for await (const line of createInterface({ input: child.stdout! })) {
    const told = JSON.parse(line)
    if ('done' in told) done = told.done
    else {
      records.get(told.topic)?.push(recordOf(told))
      count++
    }
  }
  const { code } = await child.exited
  if (code !== 0 || done !== count) throw new Error(`librdkafka did not read to the end: ${await errors}`)
  for (const own of records.values()) own.sort((a, b) => a.partition - b.partition || a.offset - b.offset)
  return records
}

function recordOf(told: any): LogRecord {
  const { partition, offset, timestampMs, key, value, headers } = told
  const bytes = (base64: string | null): Buffer | null => (base64 === null ? null : Buffer.from(base64, 'base64'))
  return {
    partition,
    offset,
    timestampMs,
    key: bytes(key),
    value: bytes(value),
    headers: headers.map(([name, text]: [string, string | null]) => [name, bytes(text)]),
  }
}
