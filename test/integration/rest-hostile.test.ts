/** Bytes that no honest client sends, over raw sockets: a clear answer, soon, and the service goes on. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { http, noteOf, RestService, raw, tenantHeaders } from './rest-support.ts'

const tenant = Object.entries(tenantHeaders(randomUUID()))
const HEAD = ['Host: localhost', ...tenant.map(([name, value]) => `${name}: ${value}`), ''].join('\r\n')
const SOON_MS = 5_000

let rest: RestService

beforeAll(async () => {
  rest = await RestService.configured({ TOPIC_PARTITIONS: '1' })
  await rest.start()
}, 60_000)

afterAll(() => rest?.stop())

const post = (length: number | string, more = ''): string =>
  `POST /api/notes HTTP/1.1\r\n${HEAD}Content-Type: application/json\r\nContent-Length: ${length}\r\n${more}\r\n`
const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\n${HEAD}${more}\r\n`
const codeIn = ({ text }: { text: string }): string | undefined => /"code":"([a-z_.]+)"/.exec(text)?.[1]

function* repeated(first: string, piece: string, times: number): Generator<string> {
  yield first
  for (let n = 0; n < times; n++) yield piece
}

const MEBI = 'x'.repeat(1024 * 1024)

describe('the service answers', () => {
  test.each<[string, () => Iterable<string | Buffer>, number, string]>([
    [
      'bytes that are no HTTP',
      () => [Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 13, 10, 13, 10])],
      400,
      'request.malformed',
    ],
    ['a line that is no request', () => ['HELLO\r\n\r\n'], 400, 'request.malformed'],
    ['two lengths', () => [post(5, 'Content-Length: 6\r\n'), '{}{}{}'], 400, 'request.malformed'],
    ['a length and chunks', () => [post(5, 'Transfer-Encoding: chunked\r\n'), '0\r\n\r\n'], 400, 'request.malformed'],
    ['a negative length', () => [post(-1), '{}'], 400, 'request.malformed'],
    [
      'chunks of no size',
      () => [
        `POST /api/notes HTTP/1.1\r\n${HEAD}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
      ],
      400,
      'request.malformed',
    ],
    [
      'no host',
      () => [`GET /api/notes HTTP/1.1\r\n${HEAD.replace('Host: localhost\r\n', '')}\r\n`],
      400,
      'request.malformed',
    ],
    ['two hosts', () => [get('/api/notes', 'Host: localhost\r\n')], 400, 'request.malformed'],
    ['what cannot be expected', () => [post(2, 'Expect: the-unexpected\r\n'), '{}'], 417, 'expectation.failed'],
    ['a tunnel', () => [`CONNECT example.org:443 HTTP/1.1\r\n${HEAD}\r\n`], 400, 'request.malformed'],
    ['a header without end', () => repeated(get('/api/notes', 'X: ').slice(0, -4), MEBI, 20), 431, 'headers.too_large'],
    ['twenty thousand headers', () => [get('/api/notes', 'X: 1\r\n'.repeat(20_000))], 431, 'headers.too_large'],
    ['a long URL', () => [get(`/api/notes?${'x'.repeat(8_000)}`)], 414, 'url.too_long'],
    ['a URL of a megabyte', () => [get(`/api/notes?${MEBI}`)], 431, 'headers.too_large'],
    ['ten megabytes that are announced', () => repeated(post(10 * 1024 * 1024), MEBI, 10), 413, 'body.too_large'],
    [
      'ten megabytes in chunks',
      () =>
        repeated(
          `POST /api/notes HTTP/1.1\r\n${HEAD}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
          `100000\r\n${MEBI}\r\n`,
          10,
        ),
      413,
      'body.too_large',
    ],
    ['a length beyond all numbers', () => [post('9'.repeat(30)), '{}'], 400, 'request.malformed'],
    ['an escape that is none', () => [get('/api/notes/%c3%28')], 400, 'request.malformed'],
    ['a null byte in a header', () => [get('/api/notes', 'X: a\0b\r\n')], 400, 'request.malformed'],
    ['a folded header', () => [get('/api/notes', 'REGION: a\r\n b\r\n')], 400, 'request.malformed'],
    ['a header given twice', () => [get('/api/notes', 'REGION: EMS\r\n')], 400, 'tenant.invalid'],
    [
      'a key given twice',
      () => [post(2, 'Idempotency-Key: a\r\nIdempotency-Key: b\r\n'), '{}'],
      400,
      'idempotency.invalid',
    ],
  ])('%s', async (_, pieces, status, code) => {
    const reply = await raw(rest.port, pieces())
    expect([reply.status, codeIn(reply)]).toEqual([status, code])
    expect(reply.tookMs).toBeLessThan(SOON_MS)
  })

  test('a hundred thousand levels of JSON', async () => {
    const body = `{"data":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
    const reply = await raw(rest.port, [post(body.length), body])
    expect([reply.status, codeIn(reply)]).toEqual([400, 'body.too_deep'])
  })

  test('headers that come a byte a second, by ending the connection', async () => {
    async function* slowly(): AsyncGenerator<string> {
      yield 'GET /api/notes HTTP/1.1\r\n'
      for (let n = 0; n < 60; n++) {
        yield 'X'
        await sleep(250)
      }
    }
    const replies = await Promise.all(Array.from({ length: 50 }, () => raw(rest.port, slowly())))
    for (const reply of replies) {
      expect([reply.status, codeIn(reply)]).toEqual([408, 'request.timeout'])
      expect(reply.tookMs).toBeLessThan(5_000 + 3_000)
    }
  }, 30_000)

  test('a body that comes a byte a second, likewise', async () => {
    async function* slowly(): AsyncGenerator<string> {
      yield post(1_000)
      for (let n = 0; n < 60; n++) {
        yield ' '
        await sleep(250)
      }
    }
    const reply = await raw(rest.port, slowly())
    expect([reply.status, codeIn(reply)]).toEqual([408, 'request.timeout'])
    expect(reply.tookMs).toBeLessThan(10_000 + 3_000)
  }, 30_000)

  test('a client that goes away in the middle, by going on', async () => {
    const { connect } = await import('node:net')
    const body = JSON.stringify(noteOf(7, 'gone'))
    for (let n = 0; n < 50; n++) {
      const socket = connect(rest.port, '127.0.0.1').on('error', () => {})
      await new Promise<void>((resolve) => void socket.once('connect', resolve))
      socket.write(post(body.length) + (n % 2 === 0 ? body : body.slice(0, 20)))
      // At once, or while the write is under way.
      if (n % 3 === 0) await sleep(2)
      socket.destroy()
    }
    const headers = Object.fromEntries(tenant)
    expect((await http(rest.port, 'POST', '/api/notes', { headers, body: noteOf(8, 'next') })).status).toBe(201)
    const waiting = await http(rest.port, 'GET', '/metrics')
    expect(waiting.text).toMatch(/^http_writes_waiting\{.*\} \d+$/m)
  })
})

test('and is as ready as before', async () => {
  const headers = Object.fromEntries(tenant)
  expect((await http(rest.port, 'GET', '/readyz')).status).toBe(200)
  expect((await http(rest.port, 'GET', '/api/notes', { headers })).status).toBe(200)
})
