/**
 * Embedded Kafka: the real broker (KRaft, broker and controller in one process) on the loopback interface.
 * Owns its data folder and its files; downloads are kafka-libraries.ts, the process is server.ts.
 *
 * From spawn to service 2.1 s (measured, 2 cores). A class data archive saves 0.7 s more but costs 6 s and 51 MB at the
 * first start, and one compiler level only gains nothing without it, so neither is used.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Progress } from './errors.ts'
import { freePorts, requirePort } from './free-port.ts'
import { spawnGuarded } from './guarded-child.ts'
import { log4jProperties, metaProperties, serverProperties } from './kafka-files.ts'
import { KAFKA_VERSION, type KafkaLibraries, kafkaLibraries } from './kafka-libraries.ts'
import { brokerServes } from './kafka-probe.ts'
import { type Server, startServer } from './server.ts'

export { javaTool, spawnJavaTool } from './java-tool.ts'

export interface KafkaOptions {
  /** A free one when absent. */
  readonly port?: number
  /** Kept over stops; a temporary folder, removed at stop, when absent. */
  readonly dataDir?: string
  readonly progress: Progress
  /** Entries of server.properties that add to the defaults or replace them. */
  readonly overrides?: Readonly<Record<string, string>>
}

export interface EmbeddedKafka extends Server {
  /** `127.0.0.1:<port>` */
  readonly bootstrapServers: string
  readonly port: number
  /** Class path pattern of the Kafka libraries. */
  readonly libs: string
  readonly dataDir: string
  /** Stops in order when it runs, and starts again on the same port and data. */
  restart(): Promise<void>
}

/**
 * The client compiler and one collector thread: an embedded broker lives minutes on a machine that it shares. Measured on two
 * cores, 1,000,000 commands through the note service: 5.1 CPU s instead of 8.8 to 17, of which the optimising compiler took
 * 4.5 and more; the requests themselves 3.1 instead of 2.9.
 */
const JVM = ['-Xmx512m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']
const PROPERTIES = 'server.properties'
const LOG_PROPERTIES = 'log4j2.properties'
const LOG = 'kafka.log'
/** What the process prints itself: mistakes in the configuration, and what the JVM says when it dies. */
const OUTPUT = 'kafka.out'
/** Relative to the working directory, the data folder: as a URL a path would need escapes that Log4j does not undo. */
const LOGGING = `-Dlog4j2.configurationFile=file:${LOG_PROPERTIES}`
/** From spawn to service 2 s on an idle machine, 14 s on two cores with a load of 8. */
const READY_TIMEOUT_MS = 120_000
/** An orderly end takes half a second; with a temporary folder there is nothing to bring in order. */
const TERM_MS = 15_000

/** Starts a broker; resolves when groups and transactions are served. Throws StackError. */
export async function startKafka(options: KafkaOptions): Promise<EmbeddedKafka> {
  const { progress } = options
  const libraries = await kafkaLibraries(progress)
  const [free = 0, controllerPort = 0] = await freePorts(2)
  const port = options.port ?? free
  if (options.port !== undefined) await requirePort(port, 'Kafka')
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'tributary-kafka-'))
  writeFiles(dataDir, port, controllerPort, libraries, options.overrides)
  progress(`Kafka ${KAFKA_VERSION}: starting on 127.0.0.1:${port}, data in ${dataDir}`)
  const temporary = options.dataDir === undefined ? dataDir : undefined
  // The codecs unpack their native libraries and take them away in an orderly end only.
  const scratch = temporary === undefined ? [] : [`-Djava.io.tmpdir=${temporary}`]
  const server = await startServer({
    name: 'Kafka',
    spawn: () =>
      spawnGuarded({
        command: libraries.java.command,
        args: [...JVM, LOGGING, ...scratch, '-cp', libraries.classpath, 'kafka.Kafka', PROPERTIES],
        cwd: dataDir,
        logFile: join(dataDir, OUTPUT),
        ...(temporary === undefined ? {} : { removeWhenOrphaned: temporary }),
      }),
    probe: () => brokerServes(port),
    readyTimeoutMs: READY_TIMEOUT_MS,
    termMs: temporary === undefined ? TERM_MS : 0,
    logs: [join(dataDir, OUTPUT), join(dataDir, LOG)],
    ...(temporary === undefined ? {} : { temporaryFolder: temporary }),
  })
  return Object.assign(server, { bootstrapServers: `127.0.0.1:${port}`, port, libs: libraries.classpath, dataDir })
}

/** Formats the data folder unless it is, and writes the configuration, which may differ from start to start (ports). */
function writeFiles(
  dataDir: string,
  port: number,
  controllerPort: number,
  libraries: KafkaLibraries,
  overrides: Readonly<Record<string, string>> = {},
): void {
  const logFolder = join(dataDir, 'data')
  mkdirSync(logFolder, { recursive: true })
  // meta.properties says that the folder is formatted, so it comes last.
  if (!existsSync(join(logFolder, 'meta.properties'))) {
    copyFileSync(libraries.bootstrapCheckpoint, join(logFolder, 'bootstrap.checkpoint'))
    writeFileSync(join(logFolder, 'meta.properties'), metaProperties())
  }
  writeFileSync(join(dataDir, PROPERTIES), serverProperties({ port, controllerPort, logFolder, overrides }))
  writeFileSync(join(dataDir, LOG_PROPERTIES), log4jProperties(LOG))
}
