/**
 * Apache Kafka's own libraries in the cache, with what every start needs of them: the class path, and a formatted
 * template of the metadata. Owns the version.
 */
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Progress, StackError } from './errors.ts'
import { spawnGuarded } from './guarded-child.ts'
import { findJava, JAVA_VERSION_MIN, type Java } from './java.ts'
import { freshClusterId, serverProperties } from './kafka-files.ts'
import { fetchArtifacts } from './maven-cache.ts'

export const KAFKA_VERSION = '4.3.1'
export const KAFKA_CACHE = `kafka-${KAFKA_VERSION}`
const LOG4J_VERSION = '2.25.3'

export interface KafkaLibraries {
  readonly java: Java
  /** A class path pattern: `…/libs/*`. */
  readonly classpath: string
  /** JVM option that sends a tool's log to stderr, warnings only. */
  readonly toolLogging: string
  /** The bootstrap metadata that StorageTool wrote: the features of this version, nothing of one cluster. */
  readonly bootstrapCheckpoint: string
}

/** Fetches the libraries at first use. Throws StackError `stack.unavailable` without a fitting Java, `stack.download_failed`. */
export async function kafkaLibraries(progress: Progress): Promise<KafkaLibraries> {
  const java = await findJava()
  if (!java) {
    throw new StackError('stack.unavailable', `No Java ${JAVA_VERSION_MIN} or newer.`, 'Install one, or set JAVA_HOME.')
  }
  const folder = await fetchArtifacts(
    {
      name: KAFKA_CACHE,
      title: `Kafka ${KAFKA_VERSION}`,
      artifacts: [
        `org.apache.kafka:kafka_2.13:${KAFKA_VERSION}`,
        `org.apache.kafka:kafka-tools:${KAFKA_VERSION}`,
        `org.apache.logging.log4j:log4j-slf4j-impl:${LOG4J_VERSION}`,
      ],
      transitive: true,
      prepare: (temporary) => prepare(java, temporary, progress),
    },
    progress,
  )
  return librariesIn(folder, java)
}

function librariesIn(folder: string, java: Java): KafkaLibraries {
  return {
    java,
    classpath: join(folder, 'libs', '*'),
    toolLogging: `-Dlog4j2.configurationFile=${pathToFileURL(join(folder, 'tools-log4j2.properties'))}`,
    bootstrapCheckpoint: join(folder, 'bootstrap.checkpoint'),
  }
}

/**
 * Runs StorageTool once. What it writes beside the cluster's own ids is the same for every cluster of a version, and
 * copying it spares each start a JVM (0.9 s of 3.0 s, measured).
 */
async function prepare(java: Java, folder: string, progress: Progress): Promise<void> {
  progress(`Kafka ${KAFKA_VERSION}: formatting a metadata template`)
  writeFileSync(join(folder, 'tools-log4j2.properties'), TOOLS_LOG4J)
  const { classpath, toolLogging, bootstrapCheckpoint } = librariesIn(folder, java)
  const scratch = join(folder, 'scratch')
  mkdirSync(scratch)
  const properties = join(scratch, 'server.properties')
  const log = join(scratch, 'format.log')
  // Nothing listens on these ports: StorageTool only wants to see a complete configuration.
  writeFileSync(properties, serverProperties({ port: 1, controllerPort: 2, logFolder: join(scratch, 'data') }))
  const child = await spawnGuarded({
    command: java.command,
    args: [
      '-XX:TieredStopAtLevel=1',
      '-XX:+UseSerialGC',
      toolLogging,
      '-cp',
      classpath,
      'kafka.tools.StorageTool',
      'format',
      '--cluster-id',
      freshClusterId(),
      '--config',
      properties,
    ],
    logFile: log,
  })
  const { code } = await child.exited
  if (code !== 0) throw new StackError('stack.start_failed', `StorageTool failed (exit code ${code}).`, `See ${log}.`)
  copyFileSync(join(scratch, 'data', 'bootstrap.checkpoint'), bootstrapCheckpoint)
  rmSync(scratch, { recursive: true })
}

const TOOLS_LOG4J = `rootLogger.level=warn
rootLogger.appenderRef.e.ref=E
appender.e.type=Console
appender.e.name=E
appender.e.target=SYSTEM_ERR
appender.e.layout.type=PatternLayout
appender.e.layout.pattern=%d{HH:mm:ss.SSS} %p %c{1} %m%n
`
