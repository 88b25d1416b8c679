import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Admin } from '@platformatic/kafka'
import { describe, expect, test } from 'vitest'
import { freePorts } from '../../embedded/free-port.ts'
import { findJava, onPath } from '../../embedded/java.ts'
import { KAFKA_CACHE } from '../../embedded/kafka-libraries.ts'
import { brokerServes } from '../../embedded/kafka-probe.ts'
import { cachedArtifacts } from '../../embedded/maven-cache.ts'
import { redisOnPath } from '../../embedded/redis-binary.ts'
import { startStack } from '../../embedded/stack.ts'
import { ask, childrenOf, folder, gone, type Program, privateCache, run, until } from '../embedded/support.ts'

const possible =
  (await findJava()) && (cachedArtifacts(KAFKA_CACHE) || onPath('mvn')) && (redisOnPath() || onPath('mvn'))
const missing = possible ? '' : 'skipped: no Java with Maven on the PATH'

const START_MS = 120_000

const stack = (env: NodeJS.ProcessEnv): Program => run(['embedded/main.ts'], env)

async function ready(program: Program): Promise<{ bootstrapServers: string; redisUrl: string }> {
  let ended = false
  void program.exit.then(() => {
    ended = true
  })
  await until('the stack is ready', () => ended || program.stdout.includes('\n'), START_MS)
  if (ended) throw new Error(`the stack has ended: ${program.stderr}`)
  return JSON.parse(program.stdout)
}

/** Process ids of both servers and of the shells that guard them. */
async function family(pid: number): Promise<number[]> {
  const guards = await childrenOf(pid)
  const servers = await Promise.all(guards.map(childrenOf))
  return [...guards, ...servers.flat()]
}

describe.skipIf(!possible)(`npm run stack ${missing}`, () => {
  test(
    'one JSON line, orderly end at SIGTERM, data kept, nothing left after kill -9',
    async () => {
      const [kafkaPort, redisPort] = (await freePorts(2)) as [number, number]
      const cache = privateCache(KAFKA_CACHE)
      const dataDir = folder()
      const env = {
        XDG_CACHE_HOME: cache,
        EMBEDDED_KAFKA_PORT: `${kafkaPort}`,
        EMBEDDED_REDIS_PORT: `${redisPort}`,
        EMBEDDED_DATA_DIR: dataDir,
      }
      const addresses = { bootstrapServers: `127.0.0.1:${kafkaPort}`, redisUrl: `redis://127.0.0.1:${redisPort}` }
      const addressFile = join(cache, 'tributary/stack.json')
      const admin = new Admin({ clientId: 'stack-test', bootstrapBrokers: [addresses.bootstrapServers], retries: 20 })

      const first = stack(env)
      expect(await ready(first)).toEqual({ msg: 'ready', ...addresses })
      expect(JSON.parse(readFileSync(addressFile, 'utf8'))).toMatchObject({ ...addresses, pid: first.pid })
      await admin.createTopics({ topics: ['kept'], partitions: 1, replicas: 1 })
      expect(await ask(redisPort, 'SET kept 1\r\n')).toBe('+OK\r\n')
      const second = stack({ ...env, EMBEDDED_KAFKA_PORT: '', EMBEDDED_REDIS_PORT: '' })
      expect(await second.exit).toBe(1)
      expect(second.stderr).toMatch(/^stack\.data_in_use: /m)

      let processes = await family(first.pid)
      expect(processes.length).toBeGreaterThanOrEqual(6)
      first.process.kill('SIGTERM')
      expect(await first.exit).toBe(0)
      for (const pid of processes) await gone(pid)
      expect(first.stdout.trimEnd().split('\n')).toHaveLength(1)
      expect(existsSync(addressFile)).toBe(false)

      const third = stack(env)
      await ready(third)
      expect(await ask(redisPort, 'GET kept\r\n')).toBe('$1\r\n1\r\n')
      expect(await admin.listTopics({ includeInternals: false })).toContain('kept')
      await admin.close()
      processes = await family(third.pid)
      third.process.kill('SIGKILL')
      await third.exit
      for (const pid of processes) await gone(pid)
      expect(await brokerServes(kafkaPort)).toBe(false)
    },
    2 * START_MS,
  )
})

test.skipIf(!redisOnPath())('only what is needed is started; a server that ends by itself is told', async () => {
  const { kafka, redis, bootstrapServers, redisUrl, ended, stop } = await startStack({
    need: { kafka: false, redis: true },
    progress: () => {},
  })
  expect(kafka).toBeUndefined()
  expect(bootstrapServers).toBe('')
  expect(redisUrl).toBe(redis!.redisUrl)
  process.kill(redis!.pid, 'SIGKILL')
  expect(await ended).toContain('Redis ended by itself (code 137)')
  await stop()
})

test.each(['0', '65536', '80a', '-1'])('EMBEDDED_REDIS_PORT=%s is refused', async (port) => {
  const program = stack({ EMBEDDED_REDIS_PORT: port })
  expect(await program.exit).toBe(2)
  expect(program.stderr).toBe(`EMBEDDED_REDIS_PORT is "${port}", but must be a port number from 1 to 65535.\n`)
})

test('without Java, Redis and Docker it says what to install', async ({ skip }) => {
  const { containersAvailable } = await import('../../embedded/containers.ts')
  if (await containersAvailable()) skip('a Docker engine runs on this machine')
  const program = stack({ PATH: '/nowhere', JAVA_HOME: '', XDG_CACHE_HOME: folder() })
  expect(await program.exit).toBe(1)
  expect(program.stdout).toBe('')
  expect(program.stderr).toMatch(
    /^stack\.unavailable: Kafka cannot be started here\. Install Java 17 or newer and Maven/m,
  )
})
