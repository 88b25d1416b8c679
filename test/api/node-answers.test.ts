/** What Node answers by itself, or not at all, unless it is told: here as everything else of the interface. */
import { type AddressInfo, connect } from 'node:net'
import { Duplex } from 'node:stream'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { createBaseApp } from '../../api/base-app.ts'
import { answerClientError } from '../../api/error-answers.ts'
import { Health } from '../../api/health.ts'
import { HANG_UP_MS } from '../../api/limits.ts'
import { Metrics } from '../../api/metrics.ts'

afterEach(() => void vi.useRealTimers())

async function listening(): Promise<number> {
  const app = await createBaseApp({ health: new Health(), metrics: new Metrics('app'), problem: () => {} })
  await app.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => app.close())
  return (app.server.address() as AddressInfo).port
}

/** Everything that comes back until the server ends the connection. */
function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    let answer = ''
    socket.setEncoding('latin1').on('data', (data) => {
      answer += data
    })
    socket.on('error', reject).on('end', () => resolve(answer))
  })
}

const HOST = 'Host: localhost\r\n'
const get = (headers: string, version = '1.1'): string =>
  `GET /livez HTTP/${version}\r\n${headers}Connection: close\r\n\r\n`

test.each([
  ['an expectation that is not known', get(`${HOST}Expect: more\r\n`), 417, 'expectation.failed', 'Expect'],
  ['two hosts', get(`${HOST}${HOST}`), 400, 'request.malformed', 'Host'],
  ['no host', get(''), 400, 'request.malformed', 'Host'],
  ['a tunnel', `CONNECT example.org:443 HTTP/1.1\r\n${HOST}\r\n`, 400, 'request.malformed', undefined],
  ['what is no HTTP', 'HELLO\r\n\r\n', 400, 'request.malformed', undefined],
])('%s', async (_, text, status, code, header) => {
  const answer = await exchange(await listening(), text)
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} \\w+`))
  expect(head).toMatch(/^content-type: application\/json$/im)
  expect(head).toMatch(/^cache-control: no-store$/im)
  expect(head).toMatch(/^connection: close$/im)
  const [error] = JSON.parse(body).errors
  expect([error.status, error.code, error.source?.header]).toEqual([String(status), code, header])
  expect(error.detail).toMatch(/\w/)
})

test('what is expected of every server is met, and HTTP/1.0 needs no host', async () => {
  const port = await listening()
  expect(await exchange(port, get(`${HOST}Expect: 100-Continue\r\n`))).toMatch(/^HTTP\/1\.1 100 .*HTTP\/1\.1 200 /s)
  expect(await exchange(port, get('', '1.0'))).toMatch(/^HTTP\/1\.1 200 /)
})

test('a client that is told so and does not hang up is hung up on', async () => {
  vi.useFakeTimers()
  let said = ''
  const socket = new Duplex({
    read() {},
    write(chunk, _, done) {
      said += chunk
      done()
    },
  })
  answerClientError(new Error('no HTTP'), socket)
  await vi.advanceTimersByTimeAsync(HANG_UP_MS - 1)
  expect([said.startsWith('HTTP/1.1 400 '), socket.destroyed]).toEqual([true, false])
  await vi.advanceTimersByTimeAsync(1)
  expect(socket.destroyed).toBe(true)
})
