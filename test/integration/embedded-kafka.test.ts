import { existsSync } from 'node:fs'
import { Admin } from '@platformatic/kafka'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findJava, onPath } from '../../embedded/java.ts'
import { type EmbeddedKafka, javaTool, startKafka } from '../../embedded/kafka.ts'
import { KAFKA_CACHE, KAFKA_VERSION } from '../../embedded/kafka-libraries.ts'
import { brokerServes } from '../../embedded/kafka-probe.ts'
import { cachedArtifacts } from '../../embedded/maven-cache.ts'
import { gone } from '../embedded/support.ts'

const possible = (await findJava()) && (cachedArtifacts(KAFKA_CACHE) || onPath('mvn'))
const missing = possible ? '' : 'skipped: no Java with Maven on the PATH'

async function admin<T>(kafka: EmbeddedKafka, use: (client: Admin) => Promise<T>): Promise<T> {
  const client = new Admin({ clientId: 'embedded-test', bootstrapBrokers: [kafka.bootstrapServers] })
  try {
    return await use(client)
  } finally {
    await client.close()
  }
}

describe.skipIf(!possible)(`the embedded broker ${missing}`, () => {
  let kafka: EmbeddedKafka
  beforeAll(async () => {
    kafka = await startKafka({ progress: () => {}, overrides: { 'num.partitions': '3' } })
  }, 120_000)
  afterAll(() => kafka?.stop())

  test('serves, has the features that the service needs, and takes overrides', async () => {
    expect(kafka.bootstrapServers).toBe(`127.0.0.1:${kafka.port}`)
    const features = await javaTool('org.apache.kafka.tools.FeatureCommand', [
      '--bootstrap-server',
      kafka.bootstrapServers,
      'describe',
    ])
    expect(features.stderr).toBe('')
    expect(features.stdout).toMatch(/transaction\.version.*FinalizedVersionLevel: 2/)
    expect(features.code).toBe(0)
    const [topic] = await admin(kafka, (client) =>
      client.createTopics({ topics: ['defaults'], partitions: -1, replicas: -1 }),
    )
    expect(topic?.partitions).toBe(3)
  })

  test('a failing tool is an exit code with its text', async () => {
    const result = await javaTool('kafka.Kafka', ['no-such-file.properties'])
    expect(result.code).not.toBe(0)
    expect(result.stdout + result.stderr).toContain('no-such-file.properties')
  })

  test('a paused broker is silent and goes on afterwards', async () => {
    kafka.pause()
    expect(await brokerServes(kafka.port)).toBe(false)
    kafka.resume()
    await expect.poll(() => brokerServes(kafka.port), { timeout: 40_000 }).toBe(true)
  }, 60_000)

  test('killed and restarted it has the same port and data', async () => {
    const { pid, port } = kafka
    await admin(kafka, (client) => client.createTopics({ topics: ['kept'], partitions: 2, replicas: 1 }))
    await kafka.kill()
    await gone(pid)
    expect(await brokerServes(port)).toBe(false)
    await kafka.restart()
    expect(kafka.port).toBe(port)
    expect(kafka.pid).not.toBe(pid)
    expect(await admin(kafka, (client) => client.listTopics({ includeInternals: true }))).toContain('kept')
  }, 120_000)

  test('stop ends it and removes its temporary data', async () => {
    await kafka.stop()
    await gone(kafka.pid)
    expect(existsSync(kafka.dataDir)).toBe(false)
  })

  test('a start that fails says what Kafka said', async () => {
    const failing = startKafka({ progress: () => {}, overrides: { 'log.retention.bytes': 'many' } })
    await expect(failing).rejects.toMatchObject({
      code: 'stack.start_failed',
      message: expect.stringContaining('log.retention.bytes'),
    })
  }, 60_000)
})

test('the version is the one that the tools are told of', () => {
  expect(KAFKA_CACHE).toContain(KAFKA_VERSION)
})
