/** The small parts of the REST interface, each by itself. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FRESHNESS_PARTITIONS_MAX, JSON_DEPTH_MAX } from '../../api/limits.ts'
import { scanJson } from '../../api/rest/body-scan.ts'
import { httpErrors } from '../../api/rest/errors.ts'
import { freshnessOf } from '../../api/rest/freshness.ts'
import { requestIdOf } from '../../api/rest/idempotency.ts'
import type { Stamp } from '../../api/rest/note-reads.ts'
import { parseStatusId, statusIdText } from '../../api/rest/status-id.ts'
import { checkpointOf } from '../stores/layout-fixture.ts'

describe('scanning a body', () => {
  test('lets every text pass that JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 10 }), (text) => {
        fc.pre(!text.includes('__proto__'))
        expect(scanJson(text, 1_000)).toBeNull()
      }),
    )
  })

  test('finds a field given twice, wherever it stands', () => {
    const name = fc.string()
    fc.assert(
      fc.property(fc.jsonValue(), name, fc.integer({ min: 0, max: 3 }), (value, twice, depth) => {
        fc.pre(twice !== '__proto__' && !JSON.stringify(value).includes('__proto__'))
        const key = JSON.stringify(twice)
        let text = `{${key}:${JSON.stringify(value)},"other${twice.length}":1,${key}:2}`
        fc.pre(`other${twice.length}` !== twice)
        for (let n = 0; n < depth; n++) text = `[{"a":[1,${text}]}]`
        expect(() => JSON.parse(text)).not.toThrow()
        expect(scanJson(text, 1_000)).toBe('twice')
      }),
    )
  })

  test.each([
    ['{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}', null],
    ['{"a":"a","b":"a"}', null],
    ['["a","a"]', null],
    ['{"a\\\\":1,"a":2}', null],
    ['{"a\\"":1,"a\\"":2}', 'twice'],
    ['{"\\u0061":1,"a":2}', 'twice'],
    ['{"a":1,"b":{"c":1,"c":2}}', 'twice'],
    ['{"a":{},"a":1}', 'twice'],
    ['{"a":"__proto__"}', null],
    ['{"\\u005f_proto__":1}', 'proto'],
    ['{"a":[{"__proto__":null}]}', 'proto'],
    ['[[[[]]]]', 'deep'],
    ['"["', null],
  ] as const)('%s: %s', (text, problem) => {
    expect(scanJson(text, 3)).toBe(problem)
  })

  test('takes time in proportion to the text', () => {
    expect(scanJson('['.repeat(200_000) + ']'.repeat(200_000), JSON_DEPTH_MAX)).toBe('deep')
    expect(scanJson(`[${'[],'.repeat(100_000)}1]`, JSON_DEPTH_MAX)).toBeNull()
  })
})

describe('freshness', () => {
  const stamp = (task: number, batch: number): Stamp => ({ task, checkpoint: checkpointOf(batch, 'v') })
  const nowMs = 1_700_000_000_100

  test('is a dictionary of partitions', () => {
    expect(freshnessOf([stamp(3, 5), stamp(7, 9)], nowMs, (task) => (task === 3 ? 0 : null))).toBe(
      'p3=50;age=95;lag=0, p7=90;age=91',
    )
    expect(freshnessOf([], nowMs, () => null)).toBeUndefined()
  })

  test('names the stalest of many, and no negative age', () => {
    const stamps = Array.from({ length: 500 }, (_, task) => stamp(task, task))
    const parts = freshnessOf(stamps, nowMs, () => null)!.split(', ')
    expect(parts).toHaveLength(FRESHNESS_PARTITIONS_MAX)
    expect(parts[0]).toBe('p0=0;age=100')
    expect(freshnessOf([stamp(0, 500)], nowMs, () => null)).toBe('p0=5000;age=0')
  })
})

test('a status id is read back as it was written', () => {
  const fingerprint = '8978ec8d42031c82b05fb8ee85607fb8'
  const id = {
    task: 12,
    timestampMs: 1_767_225_600_123,
    requestId: '5b2f6f0a-4f0e-5d0c-9a51-0d6f1c2b3a49',
    fingerprint,
  }
  expect(parseStatusId(statusIdText(id))).toEqual(id)
  for (const text of [
    '',
    '1',
    '1-2',
    '1-2-3',
    `1-1-${id.requestId}`,
    `a-1-${id.requestId}-${fingerprint}`,
    `1-1-${id.requestId.toUpperCase()}-${fingerprint}`,
    `1-1-${id.requestId}-${fingerprint.slice(1)}`,
    `${statusIdText(id)}x`,
  ])
    expect(parseStatusId(text)).toBeUndefined()
})

test('a request id depends on every part of its target, and on nothing else', () => {
  const of = (tenant: string, target: readonly (string | number)[], key: string | null) =>
    requestIdOf(tenant, target, key)
  const [a, b] = ['f934c922-71ab-4137-9d45-6e0069bfdd06', '447d0baa-7661-4ee2-9e50-d0b02dc71999']
  const ids = [
    of(a, ['POST', '/api/notes', 7], 'k'),
    of(b, ['POST', '/api/notes', 7], 'k'),
    of(a, ['PATCH', '/api/notes', 7], 'k'),
    of(a, ['POST', '/api/note', 7], 'k'),
    of(a, ['POST', '/api/notes', 8], 'k'),
    of(a, ['POST', '/api/notes', 7], 'l'),
    of(a, ['POST', '/api/notes', 7], null),
    of(a, ['POST', '/api/notes', 7], null),
  ]
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.every((id) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id))).toBe(true)
  expect(of(a, ['POST', '/api/notes', 7], 'k')).toBe(ids[0])
})

test('every error has a status of its class, a title and a remedy', () => {
  for (const [name, { status, title, remedy }] of Object.entries(httpErrors)) {
    expect(name).toMatch(/^[a-z_]+(\.[a-z_]+)?$/)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(title.length, name).toBeGreaterThan(5)
    expect(remedy.length, name).toBeGreaterThan(10)
  }
})
