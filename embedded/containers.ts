/**
 * The same stack in containers, for a machine with a Docker engine but without Java or Redis. Its only dependency is
 * loaded when needed, and is a development dependency. Data are not kept: `dataDir` does not apply here.
 * A container outlives a killed parent by seconds: the library's own reaper container removes it.
 */
import type { StartedTestContainer } from 'testcontainers'
import type { Progress } from './errors.ts'
import { freePorts, requirePort } from './free-port.ts'
import { KAFKA_VERSION } from './kafka-libraries.ts'

export interface ContainerServer {
  readonly host: string
  readonly port: number
  stop(): Promise<void>
}

/** True when a Docker engine (or one that speaks its protocol) answers. Never throws. */
export async function containersAvailable(): Promise<boolean> {
  try {
    const { getContainerRuntimeClient } = await import('testcontainers')
    await getContainerRuntimeClient()
    return true
  } catch {
    return false
  }
}

const KAFKA_IMAGE = `apache/kafka:${KAFKA_VERSION}`
const REDIS_IMAGE = 'valkey/valkey:8'

export async function startKafkaContainer(wanted: number | undefined, progress: Progress): Promise<ContainerServer> {
  const { GenericContainer, Wait, getContainerRuntimeClient } = await import('testcontainers')
  // The broker tells clients its address, so the port outside must be known before it starts.
  const port = wanted ?? (await freePorts(1))[0]!
  await requirePort(port, 'Kafka')
  const { host } = (await getContainerRuntimeClient()).info.containerRuntime
  progress(`Kafka: starting the container ${KAFKA_IMAGE} on ${host}:${port}`)
  const container = await new GenericContainer(KAFKA_IMAGE)
    .withExposedPorts({ container: 9092, host: port })
    .withEnvironment({
      KAFKA_NODE_ID: '1',
      KAFKA_PROCESS_ROLES: 'broker,controller',
      KAFKA_LISTENERS: 'PLAINTEXT://:9092,CONTROLLER://:9093',
      KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://${host}:${port}`,
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
    })
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .start()
  return started(container, port)
}

export async function startRedisContainer(wanted: number | undefined, progress: Progress): Promise<ContainerServer> {
  const { RedisContainer } = await import('@testcontainers/redis')
  progress(`Redis: starting the container ${REDIS_IMAGE}`)
  const container = await new RedisContainer(REDIS_IMAGE)
    .withExposedPorts(wanted === undefined ? 6379 : { container: 6379, host: wanted })
    .withCommand(['valkey-server', '--maxmemory-policy', 'noeviction', '--save', ''])
    .start()
  return started(container, container.getPort())
}

function started(container: StartedTestContainer, port: number): ContainerServer {
  return {
    host: container.getHost(),
    port,
    stop: async () => {
      await container.stop()
    },
  }
}
