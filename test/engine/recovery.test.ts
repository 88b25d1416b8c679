/** How a task comes back: backoff with jitter, a rebuild for an error that stays, then a stop. */
import { describe, expect, test } from 'vitest'
import { RecoveryPolicy } from '../../engine/core/recovery.ts'

describe('backoff', () => {
  test('doubles up to a second, between half and all of it', () => {
    for (const [random, part] of [
      [0, 0.5],
      [1, 1],
    ] as const) {
      const policy = new RecoveryPolicy(() => random)
      const delays = Array.from({ length: 10 }, () => policy.failed(null).delayMs)
      expect(delays).toEqual([20, 40, 80, 160, 320, 640, 1_000, 1_000, 1_000, 1_000].map((ms) => Math.round(ms * part)))
    }
  })

  test('begins anew once a batch was applied', () => {
    const policy = new RecoveryPolicy(() => 1)
    policy.failed(null)
    policy.failed(null)
    policy.reset()
    expect(policy.failed(null).delayMs).toBe(20)
  })

  test('goes on for ever', () => {
    const policy = new RecoveryPolicy(() => 1)
    for (let i = 0; i < 5_000; i++)
      expect(policy.failed('redis.connection')).toMatchObject({ rebuild: false, stop: null })
  })
})

describe('an error of the store', () => {
  test('once: recovery; again: rebuild; again: stop', () => {
    const policy = new RecoveryPolicy(() => 0)
    expect(policy.failed('redis.wrongtype')).toMatchObject({ rebuild: false, stop: null })
    expect(policy.failed('redis.wrongtype')).toMatchObject({ rebuild: true, stop: null })
    expect(policy.failed('redis.wrongtype')).toMatchObject({ rebuild: false, stop: 'redis.wrongtype' })
  })

  test('another one in between begins to count anew', () => {
    const policy = new RecoveryPolicy(() => 0)
    policy.failed('redis.wrongtype')
    policy.failed('redis.aborted')
    expect(policy.failed('redis.wrongtype')).toMatchObject({ rebuild: false, stop: null })
  })

  test('a lost connection in between does not', () => {
    const policy = new RecoveryPolicy(() => 0)
    policy.failed('redis.wrongtype')
    policy.failed('redis.timeout')
    policy.failed(null)
    expect(policy.failed('redis.wrongtype')).toMatchObject({ rebuild: true })
  })

  test('a batch that was applied in between does', () => {
    const policy = new RecoveryPolicy(() => 0)
    policy.failed('redis.wrongtype')
    policy.reset()
    expect(policy.failed('redis.wrongtype')).toMatchObject({ rebuild: false, stop: null })
  })

  test.each(['redis.connection', 'redis.timeout', 'redis.loading', 'redis.memory', 'redis.readonly', 'redis.auth'])(
    '%s says nothing about the state',
    (code) => {
      const policy = new RecoveryPolicy(() => 0)
      for (let i = 0; i < 5; i++) expect(policy.failed(code)).toMatchObject({ rebuild: false, stop: null })
    },
  )
})
