/** The files a broker starts from, as text: server.properties, meta.properties, the log configuration. Pure but for ids. */
import { randomBytes } from 'node:crypto'

export interface BrokerFiles {
  readonly port: number
  readonly controllerPort: number
  /** `log.dirs`: Kafka's data. */
  readonly logFolder: string
  readonly overrides?: Readonly<Record<string, string>>
}

/** Enough for several groups and transactional ids to spread; each costs a topic log at the first start. */
const INTERNAL_PARTITIONS = 8

export function serverProperties({ port, controllerPort, logFolder, overrides = {} }: BrokerFiles): string {
  const values: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': logFolder,
    // One broker: three replicas, the default, would never come into being.
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': `${INTERNAL_PARTITIONS}`,
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': `${INTERNAL_PARTITIONS}`,
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'share.coordinator.state.topic.num.partitions': '1',
    'group.initial.rebalance.delay.ms': '0',
    // A topic that is missing is a mistake to be told, not one to be made up with a default partition count.
    'auto.create.topics.enable': 'false',
    // After a kill the controller refuses the broker's new incarnation until the session of the old one is over:
    // 12.7 s from kill to service at the default of 9,000 ms, 5.8 s with these (measured).
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    ...overrides,
  }
  return `${Object.entries(values)
    .map(([key, value]) => `${key}=${value.replaceAll('\\', '\\\\')}`)
    .join('\n')}\n`
}

/** What StorageTool writes beside the bootstrap metadata: which cluster and which folder this is. */
export function metaProperties(): string {
  return `node.id=1\ndirectory.id=${freshClusterId()}\nversion=1\ncluster.id=${freshClusterId()}\n`
}

/** Kafka's Uuid text: 16 random bytes in URL-safe base64, not beginning with `-` (as its own generator has it). */
export function freshClusterId(): string {
  for (;;) {
    const id = randomBytes(16).toString('base64url')
    if (!id.startsWith('-')) return id
  }
}

/** Warnings into a file that cannot grow beyond 20 MB. */
export function log4jProperties(file: string): string {
  return `rootLogger.level=warn
rootLogger.appenderRef.f.ref=F
appender.f.type=RollingFile
appender.f.name=F
appender.f.fileName=${file}
appender.f.filePattern=${file}.%i
appender.f.layout.type=PatternLayout
appender.f.layout.pattern=%d{ISO8601} %p %c{1} %m%n
appender.f.policies.type=Policies
appender.f.policies.size.type=SizeBasedTriggeringPolicy
appender.f.policies.size.size=10MB
appender.f.strategy.type=DefaultRolloverStrategy
appender.f.strategy.max=1
`
}
