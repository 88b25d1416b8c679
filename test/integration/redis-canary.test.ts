/**
 * What ioredis and Redis do that this project is built around (traps I1 to I6). When an upgrade changes one of them,
 * the first half of a test fails and the reason for our own connection should be looked at again; the second half holds
 * our connection to the opposite.
 */
import { randomBytes } from 'node:crypto'
import { Redis, type RedisOptions } from 'ioredis'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RedisConnection } from '../../stores/redis/connection.ts'
import { script } from '../../stores/redis/scripts/script.ts'
import { RedisProxy, testRedisUrl } from './redis-proxy.ts'

const url = testRedisUrl().href
const hands = new Redis(url)
const eventually = { timeout: 10_000, interval: 10 }
const INCREMENT = script(`return redis.call('INCR', KEYS[1])`)
const SET_BOTH = script(`redis.call('HSET', KEYS[1], 'f', 'v') redis.call('SET', KEYS[2], 'moved') return 1`)

afterAll(() => hands.disconnect())

describe('canaries of ioredis and Redis', () => {
  let prefix: string
  let proxy: RedisProxy
  const clients: Redis[] = []

  beforeEach(async () => {
    prefix = `{canary-${randomBytes(6).toString('hex')}}:`
    proxy = await RedisProxy.before(testRedisUrl())
    for (const { text } of [INCREMENT, SET_BOTH]) await hands.script('LOAD', text)
  })

  afterEach(async () => {
    for (const client of clients.splice(0)) client.disconnect()
    proxy.close()
    await hands.del(...['checkpoint', 'counter', 'state', 'hash'].map((name) => prefix + name))
  })

  const stock = (options: Pick<RedisOptions, 'autoResendUnfulfilledCommands'> = {}): Redis => {
    const client = new Redis(proxy.url, { retryStrategy: () => 20, ...options })
    client.on('error', () => undefined)
    clients.push(client)
    return client
  }

  it('I1: stock ioredis runs EXEC without its WATCH after a reconnection; ours is lost', async () => {
    const client = stock()
    await hands.set(`${prefix}checkpoint`, '100')
    await client.watch(`${prefix}checkpoint`)
    await hands.set(`${prefix}checkpoint`, '999')
    client.stream.destroy()
    const replies = await client.multi().set(`${prefix}checkpoint`, '101').exec()
    expect(replies).toEqual([[null, 'OK']])
    expect(await hands.get(`${prefix}checkpoint`)).toBe('101')
    client.disconnect()

    const ours = await RedisConnection.open({ url: proxy.url }, 'canary')
    const accepted = proxy.accepted
    proxy.cut()
    await vi.waitFor(() => expect(ours.lost).toMatchObject({ code: 'redis.connection' }), eventually)
    await expect(ours.call('PING', [])).rejects.toMatchObject({ code: 'redis.connection' })
    expect(proxy.accepted).toBe(accepted)
  })

  it('I2: stock ioredis sends a whole MULTI again whose reply was lost; ours is lost', async () => {
    const client = stock()
    await client.ping()
    proxy.loseAnswerTo(/incr/i)
    await client.multi().incr(`${prefix}counter`).exec()
    expect(await hands.get(`${prefix}counter`)).toBe('2')

    await hands.del(`${prefix}counter`)
    const ours = await RedisConnection.open({ url: proxy.url }, 'canary')
    const accepted = proxy.accepted
    proxy.loseAnswerTo(new RegExp(INCREMENT.sha))
    const lost = ours.transaction(INCREMENT.sha, [`${prefix}counter`], [])
    await expect(lost).rejects.toMatchObject({ name: 'StoreLost', code: 'redis.connection' })
    await expect(ours.call('PING', [])).rejects.toMatchObject({ code: 'redis.connection' })
    expect(await hands.get(`${prefix}counter`)).toBe('1')
    expect(proxy.accepted).toBe(accepted)
  })

  it('I3: autoResendUnfulfilledCommands alone leaves a lost command unsettled; ours rejects', async () => {
    const client = stock({ autoResendUnfulfilledCommands: false })
    await client.ping()
    const accepted = proxy.accepted
    proxy.loseAnswerTo(/incr/i)
    let settled = false
    void client
      .incr(`${prefix}counter`)
      .finally(() => {
        settled = true
      })
      .catch(() => undefined)
    await vi.waitFor(() => expect(proxy.accepted).toBe(accepted + 1), eventually)
    await vi.waitFor(() => expect(client.status).toBe('ready'), eventually)
    await client.ping()
    expect(settled).toBe(false)

    const ours = await RedisConnection.open({ url: proxy.url }, 'canary')
    proxy.loseAnswerTo(/INCR/)
    await expect(ours.call('INCR', [`${prefix}counter`])).rejects.toMatchObject({ code: 'redis.connection' })
  })

  it('I4: any other EXEC on a connection disarms its WATCH', async () => {
    const client = stock()
    await client.set(`${prefix}checkpoint`, '1')
    await client.watch(`${prefix}checkpoint`)
    await client.multi().set(`${prefix}state`, 'of another flow').exec()
    await hands.set(`${prefix}checkpoint`, '2')
    expect(await client.multi().set(`${prefix}checkpoint`, 'stale').exec()).toEqual([[null, 'OK']])
    expect(await hands.get(`${prefix}checkpoint`)).toBe('stale')
  })

  it('I5: plain commands in MULTI go on after an error; a script stops and leaves the checkpoint', async () => {
    await hands.set(`${prefix}hash`, 'a string')
    await hands.set(`${prefix}checkpoint`, 'before')
    const replies = await stock().multi().hset(`${prefix}hash`, 'f', 'v').set(`${prefix}checkpoint`, 'moved').exec()
    expect(replies?.[0]?.[0]?.message).toMatch(/^WRONGTYPE/)
    expect(await hands.get(`${prefix}checkpoint`)).toBe('moved')

    await hands.set(`${prefix}checkpoint`, 'before')
    const ours = await RedisConnection.open({ url }, 'canary')
    const write = ours.transaction(SET_BOTH.sha, [`${prefix}hash`, `${prefix}checkpoint`], [])
    await expect(write).rejects.toMatchObject({ name: 'StoreLost', code: 'redis.wrongtype' })
    expect(await hands.get(`${prefix}checkpoint`)).toBe('before')
    ours.close()
  })

  it('I6: an error of stock ioredis carries the arguments; ours carries none', async () => {
    await hands.set(`${prefix}hash`, 'a string')
    const theirs: unknown = await stock()
      .hset(`${prefix}hash`, 'f', 'a secret')
      .catch((error: unknown) => error)
    expect(JSON.stringify(theirs)).toContain('a secret')

    const ours = await RedisConnection.open({ url }, 'canary')
    const errors = await Promise.all(
      [
        ours.call('HSET', [`${prefix}hash`, 'f', 'a secret']),
        ours.call('NONSENSE', ['a secret']),
        ours.call('SET', [`${prefix}state`, 'x', 'a secret']),
        ours.script('f'.repeat(40), [], ['a secret']),
      ].map((reply) => reply.catch((error: unknown) => error)),
    )
    expect(errors.map((error) => (error as { code: unknown }).code)).toEqual([
      'redis.wrongtype',
      'redis.reply',
      'redis.reply',
      'redis.noscript',
    ])
    for (const error of errors as Error[]) {
      expect(JSON.stringify(error) + error.message + error.stack).not.toContain('secret')
      expect(error.cause).toBeUndefined()
    }
    ours.close()
  })
})
