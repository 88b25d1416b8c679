/** Who may look and who may act: the whole table, over fastify's own requests. */
import Fastify, { type FastifyRequest } from 'fastify'
import { afterAll, describe, expect, test } from 'vitest'
import { ApiFailure } from '../../api/rest/errors.ts'
import { checkAction, checkRead, mayAct, newToken } from '../../console/access.ts'

const TOKEN = 'right-token'
const app = Fastify()
const judged = (check: (request: FastifyRequest) => void) => async (request: FastifyRequest) => {
  try {
    check(request)
    return 'yes'
  } catch (error) {
    if (error instanceof ApiFailure) return error.problems[0].code
    throw error
  }
}
app.get(
  '/read',
  judged((request) => checkRead(request, TOKEN)),
)
app.get(
  '/act',
  judged((request) => checkAction(request, TOKEN)),
)
app.get('/may', async (request) => String(mayAct(request, TOKEN)))
afterAll(() => app.close())

async function ask(url: string, remoteAddress: string, headers: Record<string, string>): Promise<string> {
  return (await app.inject({ url, remoteAddress, headers })).body
}

const HERE = { host: '127.0.0.1:8080' }
const RIGHT = { authorization: `Bearer ${TOKEN}` }
const OTHER = { authorization: 'Bearer another' }

describe('looking', () => {
  test.each([
    ['by address', '127.0.0.1', HERE],
    ['by name', '127.0.0.1', { host: 'localhost:8080' }],
    ['by IPv6', '::1', { host: '[::1]:8080' }],
    ['by IPv4 in IPv6', '::ffff:127.0.0.1', HERE],
    [
      'from the page itself',
      '127.0.0.1',
      { ...HERE, origin: 'http://127.0.0.1:8080', 'sec-fetch-site': 'same-origin' },
    ],
    ['from the address bar', '127.0.0.1', { ...HERE, 'sec-fetch-site': 'none' }],
    ['with the token of an earlier process', '127.0.0.1', { ...HERE, ...OTHER }],
    ['from elsewhere with the token', '10.0.0.7', { host: 'notes.example', ...RIGHT }],
    ['by a name that was rebound, with the token', '127.0.0.1', { host: 'evil.example', ...RIGHT }],
  ])('is open %s', async (_, address, headers) => {
    expect(await ask('/read', address, headers)).toBe('yes')
  })

  test.each([
    ['from elsewhere', '10.0.0.7', HERE],
    ['from elsewhere as if it were here', '10.0.0.7', { ...HERE, 'x-forwarded-for': '127.0.0.1' }],
    ['from elsewhere with another token', '10.0.0.7', { host: 'notes.example', ...OTHER }],
    ['by a name that was rebound', '127.0.0.1', { host: 'evil.example:8080' }],
    ['by a name that only begins like ours', '127.0.0.1', { host: 'localhost.evil.example' }],
    ['from another page', '127.0.0.1', { ...HERE, origin: 'http://evil.example' }],
    ['from another port of this machine', '127.0.0.1', { ...HERE, origin: 'http://127.0.0.1:9000' }],
    ['from a page without an origin', '127.0.0.1', { ...HERE, origin: 'null' }],
    ['from another site', '127.0.0.1', { ...HERE, 'sec-fetch-site': 'cross-site' }],
    ['from a sibling', '127.0.0.1', { ...HERE, 'sec-fetch-site': 'same-site' }],
  ])('needs the token %s', async (_, address, headers) => {
    expect(await ask('/read', address, headers)).toBe('token.required')
  })
})

describe('acting', () => {
  test.each([
    ['here without', '127.0.0.1', HERE, false],
    ['here with another', '127.0.0.1', { ...HERE, ...OTHER }, false],
    ['here in the form of a password', '127.0.0.1', { ...HERE, authorization: `Basic ${TOKEN}` }, false],
    ['here with the right one', '127.0.0.1', { ...HERE, ...RIGHT }, true],
    ['elsewhere with the right one', '10.0.0.7', { host: 'notes.example', ...RIGHT }, true],
  ])('%s', async (_, address, headers, allowed) => {
    expect(await ask('/act', address, headers)).toBe(allowed ? 'yes' : 'token.required')
    expect(await ask('/may', address, headers)).toBe(String(allowed))
  })

  test('a token of ours is long, fit for a URL, and another one each time', () => {
    expect(newToken()).toMatch(/^[\w-]{32}$/)
    expect(newToken()).not.toBe(newToken())
  })
})
