/**
 * Three brokers, each a controller too, with small heaps: topics have three replicas of which two must be in sync. Owns
 * their processes and folders. Each is killed, paused and restarted alone.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../../../embedded/free-port.ts'
import { spawnGuarded } from '../../../embedded/guarded-child.ts'
import { freshClusterId, log4jProperties, serverProperties } from '../../../embedded/kafka-files.ts'
import { kafkaLibraries } from '../../../embedded/kafka-libraries.ts'
import { brokerServes } from '../../../embedded/kafka-probe.ts'
import { type Server, startServer } from '../../../embedded/server.ts'

export interface Broker extends Server {
  /** `node.id`. */
  readonly id: number
  readonly port: number
  readonly logFile: string
}

export interface Brokers {
  readonly nodes: readonly Broker[]
  readonly bootstrapServers: string
  stop(): Promise<void>
}

const JVM = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']
const READY_TIMEOUT_MS = 180_000
const REPLICATED: Readonly<Record<string, string>> = {
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  'offsets.topic.replication.factor': '3',
  'offsets.topic.min.isr': '2',
  'transaction.state.log.replication.factor': '3',
  'transaction.state.log.min.isr': '2',
  // A leader that is gone must be replaced within a test's patience.
  'replica.lag.time.max.ms': '4000',
  'controller.quorum.election.timeout.ms': '500',
  'controller.quorum.fetch.timeout.ms': '1000',
}

export async function startBrokers(overrides: Readonly<Record<string, string>> = {}): Promise<Brokers> {
  const libraries = await kafkaLibraries(() => {})
  const folder = mkdtempSync(join(tmpdir(), 'tributary-brokers-'))
  const ids = [1, 2, 3]
  const ports = await freePorts(6)
  const voters = ids.map((id, i) => `${id}@127.0.0.1:${ports[3 + i]}`).join(',')
  const cluster = freshClusterId()
  try {
    const nodes = await Promise.all(
      ids.map(async (id, i): Promise<Broker> => {
        const port = ports[i]!
        const home = join(folder, `node-${id}`)
        const data = join(home, 'data')
        mkdirSync(data, { recursive: true })
        copyFileSync(libraries.bootstrapCheckpoint, join(data, 'bootstrap.checkpoint'))
        writeFileSync(
          join(data, 'meta.properties'),
          `node.id=${id}\ndirectory.id=${freshClusterId()}\nversion=1\ncluster.id=${cluster}\n`,
        )
        const settings = { 'node.id': `${id}`, 'controller.quorum.voters': voters, ...REPLICATED, ...overrides }
        writeFileSync(
          join(home, 'server.properties'),
          serverProperties({ port, controllerPort: ports[3 + i]!, logFolder: data, overrides: settings }),
        )
        writeFileSync(join(home, 'log4j2.properties'), log4jProperties('kafka.log'))
        const server = await startServer({
          name: `Kafka ${id}`,
          spawn: () =>
            spawnGuarded({
              command: libraries.java.command,
              args: [
                ...JVM,
                '-Dlog4j2.configurationFile=file:log4j2.properties',
                `-Djava.io.tmpdir=${home}`,
                '-cp',
                libraries.classpath,
                'kafka.Kafka',
                'server.properties',
              ],
              cwd: home,
              logFile: join(home, 'kafka.out'),
            }),
          probe: () => brokerServes(port),
          readyTimeoutMs: READY_TIMEOUT_MS,
          termMs: 0,
          logs: [join(home, 'kafka.out'), join(home, 'kafka.log')],
        })
        return Object.assign(server, { id, port, logFile: join(home, 'kafka.log') })
      }),
    )
    return {
      nodes,
      bootstrapServers: nodes.map(({ port }) => `127.0.0.1:${port}`).join(','),
      async stop() {
        await Promise.all(nodes.map((node) => node.stop()))
        rmSync(folder, { recursive: true, force: true })
      },
    }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}
