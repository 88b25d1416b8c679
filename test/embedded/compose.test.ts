import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { readConfig } from '../../config.ts'
import { KAFKA_VERSION } from '../../embedded/kafka-libraries.ts'
import { root } from './support.ts'

interface Service {
  image?: string
  build?: string
  command?: string[]
  environment?: Record<string, string>
  ports?: string[]
  healthcheck?: { test: string[]; interval: string; timeout: string; retries: number }
  depends_on?: Record<string, { condition: string }>
}

const compose: { services: Record<string, Service>; volumes: Record<string, unknown> } = parse(
  readFileSync(join(root, 'compose.yaml'), 'utf8'),
)
const { kafka, redis, service } = compose.services as { kafka: Service; redis: Service; service: Service }

test('three services, pinned as the embedded stack is', () => {
  expect(Object.keys(compose.services).sort()).toEqual(['kafka', 'redis', 'service'])
  expect(kafka.image).toBe(`apache/kafka:${KAFKA_VERSION}`)
  expect(redis.image).toBe('valkey/valkey:8')
  expect(service.build).toBe('.')
  for (const { image } of Object.values(compose.services)) expect(image ?? '').not.toMatch(/latest/)
})

test('every service has a health check, and the service waits for healthy ones', () => {
  for (const [name, { healthcheck }] of Object.entries(compose.services)) {
    expect(healthcheck?.test[0], name).toBe('CMD')
    expect(healthcheck?.retries, name).toBeGreaterThan(0)
  }
  expect(service.depends_on).toEqual({
    kafka: { condition: 'service_healthy' },
    redis: { condition: 'service_healthy' },
  })
  expect(service.healthcheck?.test.join(' ')).toContain('http://127.0.0.1:8080/readyz')
})

test('the health check of the service is a program that fails without a service', () => {
  const [, , ...args] = service.healthcheck!.test
  // The port is one where nothing can listen.
  const result = spawnSync(
    process.execPath,
    args.map((arg) => arg.replace(':8080', ':1')),
  )
  expect(result.status).toBe(1)
  expect(result.stderr.toString()).toBe('')
})

test('the service gets variables that it knows, with addresses of the other two', () => {
  const { environment = {} } = service
  // As compose has them when nothing is set outside: the service accepts them all, and drops none as unknown.
  const set = Object.entries(environment).map(
    ([name, value]) => [name, value.replace(/^\$\{\w+:-(.*)\}$/, '$1')] as const,
  )
  const config: Record<string, unknown> = readConfig(Object.fromEntries(set))
  expect(Object.keys(environment).filter((name) => config[name] === undefined)).toEqual([])
  const [host = '', port] = environment.BOOTSTRAP_SERVERS!.split(':')
  expect(Object.keys(compose.services)).toContain(host)
  expect(kafka.environment!.KAFKA_ADVERTISED_LISTENERS).toContain(`//${host}:${port}`)
  expect(kafka.environment!.KAFKA_LISTENERS).toContain(`//:${port}`)
  expect(environment.REDIS_URL).toBe('redis://redis:6379')
  // Bound beyond loopback, so a token is needed.
  expect(environment.REST_HOST).toBe('0.0.0.0')
  expect(environment.API_TOKEN).toMatch(/^\$\{API_TOKEN:-.+\}$/)
})

test('nothing is published beyond the loopback interface; Redis never evicts', () => {
  for (const { ports = [] } of Object.values(compose.services)) {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/)
  }
  expect(redis.command!.join(' ')).toContain('--maxmemory-policy noeviction')
  expect(kafka.environment!.KAFKA_AUTO_CREATE_TOPICS_ENABLE).toBe('false')
})

test('the image runs the sources as another user than root, and leaves out what does not run', () => {
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8')
  expect(dockerfile).toMatch(/^FROM node:26-slim$/m)
  expect(dockerfile).toMatch(/^USER node$/m)
  expect(dockerfile).toMatch(/^CMD \["node", .*"main\.ts"\]$/m)
  const ignored = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n')
  for (const name of ['.git', 'node_modules', 'test']) expect(ignored).toContain(name)
  // What main.ts may import must not be left out.
  for (const name of ['api', 'embedded', 'engine', 'scripts', 'stores', 'topology']) {
    expect(ignored).not.toContain(name)
    expect(existsSync(join(root, name)), name).toBe(true)
  }
})

test('docker compose accepts the file', ({ skip }) => {
  const version = spawnSync('docker', ['compose', 'version'])
  if (version.status !== 0) skip('no docker compose on this machine')
  const result = spawnSync('docker', ['compose', '-f', join(root, 'compose.yaml'), 'config', '--quiet'])
  expect(result.stderr.toString()).toBe('')
  expect(result.status).toBe(0)
})
