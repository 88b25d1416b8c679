/**
 * Starts one Kafka and one Redis for all integration tests, unless TEST_BOOTSTRAP_SERVERS and TEST_REDIS_URL say where
 * some are. Tests that break their servers start their own. test/support/stack.ts tells the tests where these are.
 */
import { startStack } from '../embedded/stack.ts'

export default async function setup(): Promise<() => Promise<void>> {
  const need = { kafka: !process.env.TEST_BOOTSTRAP_SERVERS, redis: !process.env.TEST_REDIS_URL }
  if (!need.kafka && !need.redis) return async () => {}
  const progress = (line: string): void => void process.stderr.write(`test servers: ${line}\n`)
  const stack = await startStack({ need, progress })
  // The workers are started behind this and get the environment as it is then.
  if (need.kafka) process.env.TEST_BOOTSTRAP_SERVERS = stack.bootstrapServers
  if (need.redis) process.env.TEST_REDIS_URL = stack.redisUrl
  return () => stack.stop()
}
