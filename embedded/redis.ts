/**
 * Embedded Redis: a real server on the loopback interface. Owns its data folder; which program is redis-binary.ts, the
 * process is server.ts. The environment variable EMBEDDED_REDIS=maven is explained in redis-binary.ts.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Progress } from './errors.ts'
import { freePorts, requirePort } from './free-port.ts'
import { spawnGuarded } from './guarded-child.ts'
import { redisBinary } from './redis-binary.ts'
import { type Server, startServer } from './server.ts'

export interface RedisOptions {
  /** A free one when absent. */
  readonly port?: number
  /** With it the data are kept (append-only file, fsync every second); without, nothing is written at all. */
  readonly dataDir?: string
  readonly progress: Progress
  /** Directives of redis.conf that add to the defaults or replace them. */
  readonly overrides?: Readonly<Record<string, string>>
}

export interface EmbeddedRedis extends Omit<Server, 'restart'> {
  /** `redis://127.0.0.1:<port>` */
  readonly redisUrl: string
  readonly port: number
  readonly dataDir: string
  /** Starts again on the same port; with a data folder the data are there again unless `empty`, without one never. */
  restart(options?: { readonly empty?: boolean }): Promise<void>
}

const READY_TIMEOUT_MS = 15_000
const TERM_MS = 5_000
const ANSWER_MS = 1_000
const OUTPUT = 'redis.log'

/** Starts a server; resolves when it answers PING, its data loaded. Throws StackError. */
export async function startRedis(options: RedisOptions): Promise<EmbeddedRedis> {
  const { progress } = options
  const binary = await redisBinary(progress)
  const port = options.port ?? (await freePorts(1))[0]!
  if (options.port !== undefined) await requirePort(port, 'Redis')
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'tributary-redis-'))
  mkdirSync(dataDir, { recursive: true })
  progress(`Redis: starting on 127.0.0.1:${port}, ${options.dataDir ? `data in ${dataDir}` : 'in memory only'}`)
  const temporary = options.dataDir === undefined ? dataDir : undefined
  const server = await startServer({
    name: 'Redis',
    spawn: () =>
      spawnGuarded({
        command: binary,
        args: directives(port, dataDir, temporary === undefined, options.overrides),
        cwd: dataDir,
        logFile: join(dataDir, OUTPUT),
        ...(temporary === undefined ? {} : { removeWhenOrphaned: temporary }),
      }),
    probe: () => answersPing(port),
    readyTimeoutMs: READY_TIMEOUT_MS,
    termMs: temporary === undefined ? TERM_MS : 0,
    logs: [join(dataDir, OUTPUT)],
    ...(temporary === undefined ? {} : { temporaryFolder: temporary }),
  })
  const { restart } = server
  return Object.assign(server, {
    redisUrl: `redis://127.0.0.1:${port}`,
    port,
    dataDir,
    restart: ({ empty = false }: { readonly empty?: boolean } = {}) =>
      restart(empty ? () => removeData(dataDir) : undefined),
  })
}

function directives(port: number, dataDir: string, keep: boolean, overrides: RedisOptions['overrides'] = {}): string[] {
  const values: Record<string, string> = {
    port: `${port}`,
    bind: '127.0.0.1',
    dir: dataDir,
    daemonize: 'no',
    // The service refuses a server that may drop keys by itself.
    'maxmemory-policy': 'noeviction',
    save: '',
    appendonly: keep ? 'yes' : 'no',
    appendfsync: 'everysec',
    ...overrides,
  }
  return Object.entries(values).flatMap(([name, value]) => [`--${name}`, value])
}

/** Dump and append-only files, of every version; the log stays. */
function removeData(dataDir: string): void {
  for (const name of readdirSync(dataDir)) {
    if (name !== OUTPUT) rmSync(join(dataDir, name), { recursive: true })
  }
}

/** True when PING is answered by PONG; false while it loads (-LOADING) or nobody listens. Never throws. */
function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const finish = (answers: boolean): void => {
      socket.destroy()
      resolve(answers)
    }
    socket.setTimeout(ANSWER_MS, () => finish(false))
    socket.on('error', () => finish(false))
    socket.on('close', () => finish(false))
    socket.on('connect', () => socket.write('PING\r\n'))
    socket.on('data', (chunk) => finish(chunk.toString('latin1').startsWith('+PONG')))
  })
}
