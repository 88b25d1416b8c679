import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { createLease, type LeaseProblem } from '../../stores/lease.ts'
import { testRedisUrl } from './redis-proxy.ts'

const url = testRedisUrl().href
const hands = new Redis(url)
const eventually = { timeout: 10_000, interval: 10 }
/** Extended every third of it: on a busy machine that may come late by the other two. */
const LEASE_MS = 1_500

afterAll(() => hands.disconnect())

const named = () => `lease-test-${randomBytes(6).toString('hex')}`

describe('the lease of a task', () => {
  it('names its holder, is extended, and is gone when released', async () => {
    const application = named()
    const lease = createLease(url, { application, leaseMs: LEASE_MS })
    await lease.acquire(3, 'pod-7')
    expect(lease.held(3)).toBe(true)
    const key = `{${application}:3}:lease`
    const value = await hands.get(key)
    expect(value).toMatch(/^pod-7 [0-9a-f]{16}$/)
    expect(await lease.holder(3)).toBe('pod-7')
    let before = await hands.pttl(key)
    await vi.waitFor(async () => {
      const now = await hands.pttl(key)
      const risen = now > before
      before = now
      expect(risen).toBe(true)
    }, eventually)
    expect(await hands.get(key)).toBe(value)
    await lease.release(3)
    expect(lease.held(3)).toBe(false)
    expect(await hands.exists(key)).toBe(0)
    await lease.close()
  })

  it('is not waited for when another has it, reported once, and taken when free', async () => {
    const application = named()
    const problems: LeaseProblem[] = []
    const first = createLease(url, { application, leaseMs: LEASE_MS })
    const second = createLease(url, { application, leaseMs: LEASE_MS, onProblem: (problem) => problems.push(problem) })
    await first.acquire(0, 'first')
    await second.acquire(0, 'second')
    expect(second.held(0)).toBe(false)
    expect(await second.holder(0)).toBe('first')
    expect(problems).toEqual([{ task: 0, doing: 'acquire', reason: 'held', message: 'another holder has the lease' }])
    await first.close()
    await vi.waitFor(() => expect(second.held(0)).toBe(true), eventually)
    expect(problems).toHaveLength(1)
    expect(await second.holder(0)).toBe('second')
    await second.close()
  })

  it('is acquired again after it was lost', async () => {
    const application = named()
    const problems: LeaseProblem[] = []
    const lease = createLease(url, { application, leaseMs: LEASE_MS, onProblem: (problem) => problems.push(problem) })
    await lease.acquire(0, 'me')
    await hands.del(`{${application}:0}:lease`)
    await vi.waitFor(() => expect(problems.map(({ doing }) => doing)).toEqual(['extend']), eventually)
    await vi.waitFor(() => expect(lease.held(0)).toBe(true), eventually)
    expect(await lease.holder(0)).toBe('me')
    await lease.close()
  })

  it('only reports when there is no Redis', async () => {
    const problems: LeaseProblem[] = []
    const lease = createLease('redis://user:secret@127.0.0.1:1', {
      application: named(),
      onProblem: (problem) => problems.push(problem),
    })
    await lease.acquire(0, 'me')
    expect(lease.held(0)).toBe(false)
    expect(await lease.holder(0)).toBeNull()
    expect(problems).toMatchObject([{ doing: 'acquire', reason: 'failed' }])
    expect(JSON.stringify(problems)).not.toContain('secret')
    await lease.close()
  })
})
