import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { findJava, onPath } from '../../embedded/java.ts'
import { type EmbeddedRedis, startRedis } from '../../embedded/redis.ts'
import { redisOnPath } from '../../embedded/redis-binary.ts'
import { ask, folder, gone, privateCache, runModule, until } from '../embedded/support.ts'

const quiet = { progress: () => {} }
const noRedis = redisOnPath({ PATH: process.env.PATH }) ? undefined : 'no redis-server or valkey-server on the PATH'
const noMaven = (await findJava()) && onPath('mvn') ? undefined : 'no Java with Maven on the PATH'

const call = (redis: EmbeddedRedis, command: string): Promise<string> => ask(redis.port, `${command}\r\n`)

test.skipIf(noRedis)(`a server of the machine: kill, restart, pause, stop ${noRedis ?? ''}`, async () => {
  const redis = await startRedis(quiet)
  const { pid, dataDir } = redis
  expect(redis.redisUrl).toBe(`redis://127.0.0.1:${redis.port}`)
  expect(await call(redis, 'SET a 1')).toBe('+OK\r\n')
  expect(await call(redis, 'CONFIG GET maxmemory-policy')).toContain('noeviction')

  redis.pause()
  const answer = call(redis, 'GET a')
  redis.resume()
  expect(await answer).toBe('$1\r\n1\r\n')

  await redis.kill()
  await gone(pid)
  await expect(call(redis, 'GET a')).rejects.toThrow(/ECONNREFUSED/)
  await redis.restart()
  expect(redis.pid).not.toBe(pid)
  expect(await call(redis, 'GET a')).toBe('$-1\r\n')

  await redis.stop()
  await redis.stop()
  await gone(redis.pid)
  expect(existsSync(dataDir)).toBe(false)
  await expect(redis.restart()).rejects.toThrow(/stopped for good/)
})

test.skipIf(noRedis)(`with a data folder the data are kept, unless empty is asked for ${noRedis ?? ''}`, async () => {
  const redis = await startRedis({ ...quiet, dataDir: folder(), overrides: { appendfsync: 'always' } })
  expect(await call(redis, 'SET a 1')).toBe('+OK\r\n')
  await redis.kill()
  await redis.restart()
  expect(await call(redis, 'GET a')).toBe('$1\r\n1\r\n')
  await redis.restart({ empty: true })
  expect(await call(redis, 'GET a')).toBe('$-1\r\n')
  let ended = ''
  void redis.ended.then((line) => {
    ended = line
  })
  process.kill(redis.pid, 'SIGKILL')
  await until('the end is told', () => ended !== '')
  expect(ended).toContain('Redis ended by itself (code 137)')
  await redis.stop()
  expect(existsSync(redis.dataDir)).toBe(true)
})

test.skipIf(noRedis)(`a start that fails says what Redis said ${noRedis ?? ''}`, async () => {
  const failing = startRedis({ ...quiet, overrides: { 'no-such-directive': '1' } })
  await expect(failing).rejects.toMatchObject({
    code: 'stack.start_failed',
    message: expect.stringContaining('no-such-directive'),
  })
})

test.skipIf(noMaven)(
  `two processes with an empty cache share the server out of Maven ${noMaven ?? ''}`,
  async () => {
    const code = `
import { startRedis } from './embedded/redis.ts'
const redis = await startRedis({ progress: console.error })
console.log(redis.port)
process.on('SIGTERM', () => redis.stop().then(() => process.exit(0)))`
    const env = { XDG_CACHE_HOME: privateCache(), EMBEDDED_REDIS: 'maven' }
    const programs = [runModule(code, env), runModule(code, env)]
    await until('both serve', () => programs.every(({ stdout }) => stdout.endsWith('\n')), 60_000)
    for (const { stdout, stderr } of programs) {
      expect(await ask(Number(stdout), 'INFO server\r\n')).toMatch(/redis_version:6\./)
      expect(stderr).toContain('good for a first look only')
    }
    expect(programs.filter(({ stderr }) => stderr.includes('fetching with Maven'))).toHaveLength(1)
    for (const program of programs) {
      program.process.kill('SIGTERM')
      expect(await program.exit).toBe(0)
    }
  },
  90_000,
)
