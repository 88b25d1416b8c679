/** The two that are compared: this service as `npm start` runs it, and the same work on Kafka Streams. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../../embedded/free-port.ts'
import { type GuardedChild, spawnGuarded } from '../../embedded/guarded-child.ts'
import { findJava } from '../../embedded/java.ts'
import { KAFKA_VERSION } from '../../embedded/kafka-libraries.ts'
import { fetchArtifacts } from '../../embedded/maven-cache.ts'
import type { Contestant, Place } from './contestant.ts'

const MAIN = fileURLToPath(new URL('../../main.ts', import.meta.url))
const SOURCE = fileURLToPath(new URL('NoteStreams.java', import.meta.url))
const { PATH = '', HOME = '', TMPDIR } = process.env
const ENVIRONMENT = { PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }) }
/** A power of two from the number of partitions on. */
const strideOf = (partitions: number): number => 2 ** Math.ceil(Math.log2(partitions))

export const tributary = (compression: string, processes: number): Contestant => ({
  name: `tributary, ${processes === 1 ? '1 process' : `${processes} processes`}`,
  async start(place) {
    const ports = await freePorts(processes)
    return Promise.all(ports.map((port) => startTributary(place, compression, port)))
  },
})

async function startTributary(
  { bootstrapServers, redisUrl, group, commands, events, sagas }: Place,
  compression: string,
  port: number,
): Promise<GuardedChild> {
  const child = await spawnGuarded({
    command: process.execPath,
    args: ['--max-semi-space-size=64', MAIN],
    env: {
      ...ENVIRONMENT,
      BOOTSTRAP_SERVERS: bootstrapServers,
      REDIS_URL: redisUrl,
      APPLICATION_ID: group,
      KAFKA_CONSUMER_GROUP: group,
      COMMAND_TOPIC_NOTE: commands,
      EVENT_TOPIC_NOTE_STATUS: events,
      COMMAND_TOPIC_SAGA: sagas,
      OUTPUT_COMPRESSION: compression,
      REST_PORT: String(port),
      LOG_LEVEL: 'error',
    },
  })
  return drained(child)
}

export interface Streams {
  contestant(name: string, config: Readonly<Record<string, string>>): Contestant
  /** Takes the compiled classes and every state folder away. */
  close(): void
}

/** Fetches Kafka Streams at first use and compiles the peer. Needs a JDK. */
export async function streams(progress: (line: string) => void): Promise<Streams> {
  const java = await findJava()
  if (!java) throw new Error('no Java')
  const libraries = await fetchArtifacts(
    {
      name: `kafka-streams-${KAFKA_VERSION}`,
      title: `Kafka Streams ${KAFKA_VERSION}`,
      artifacts: [`org.apache.kafka:kafka-streams:${KAFKA_VERSION}`, 'org.slf4j:slf4j-nop:1.7.36'],
      transitive: true,
    },
    progress,
  )
  const folder = mkdtempSync(join(tmpdir(), 'tributary-streams-'))
  const libs = join(libraries, 'libs', '*')
  const compiler = await spawnGuarded({
    command: java.command.replace(/java$/, 'javac'),
    args: ['-d', folder, '-cp', libs, SOURCE],
  })
  compiler.stderr?.pipe(process.stderr)
  const { code } = await compiler.exited
  if (code !== 0) throw new Error(`javac ended with ${code}${code === 127 ? ': install a JDK, a JRE has none' : ''}`)
  return {
    contestant: (name, config) => ({
      name,
      async start({ bootstrapServers, group, commands, events, sagas, partitions }) {
        const child = await spawnGuarded({
          command: java.command,
          args: [
            '-Xmx1g',
            `-Djava.io.tmpdir=${folder}`,
            '-cp',
            `${folder}:${libs}`,
            'NoteStreams',
            ...Object.entries({
              'bootstrap.servers': bootstrapServers,
              'application.id': group,
              'auto.offset.reset': 'earliest',
              'state.dir': join(folder, group),
              'note.id.stride': String(strideOf(partitions)),
              'topic.commands': commands,
              'topic.events': events,
              'topic.sagas': sagas,
              ...config,
            }).map(([key, value]) => `${key}=${value}`),
          ],
          env: ENVIRONMENT,
        })
        return [drained(child)]
      },
    }),
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** What it prints is not needed, unless it goes wrong. */
function drained(child: GuardedChild): GuardedChild {
  child.stdout?.resume()
  child.stderr?.pipe(process.stderr)
  return child
}
