/** What holds for every operation: tenant, media types, methods, access, headers, freshness, trace. */
import { describe, expect, test } from 'vitest'
import { codesOf, newNote, RestWorld, tenantOf } from './rest-world.ts'

const COMMANDS = 'COMMAND_TOPIC_NOTE'

describe('the tenant', () => {
  test.each<[Record<string, string | undefined>, readonly string[]]>([
    [{ TENANT_ID: undefined }, ['TENANT_ID']],
    [{ TENANT_ID: 'x' }, ['TENANT_ID']],
    [{ REGION: undefined, MAJOR_VERSION: 'x' }, ['REGION', 'MAJOR_VERSION']],
    [{ REGION: '' }, ['REGION']],
    [{ MAJOR_VERSION: '65536' }, ['MAJOR_VERSION']],
    [{ MINOR_VERSION: '-1' }, ['MINOR_VERSION']],
    [{ MINOR_VERSION: '0x1' }, ['MINOR_VERSION']],
    [
      { TENANT_ID: undefined, REGION: undefined, MAJOR_VERSION: undefined, MINOR_VERSION: undefined },
      ['TENANT_ID', 'REGION', 'MAJOR_VERSION', 'MINOR_VERSION'],
    ],
  ])('%j is 400 and names the headers', async (headers, named) => {
    const rest = await RestWorld.start()
    for (const [method, url] of [
      ['GET', '/api/notes'],
      ['POST', '/api/notes'],
      ['GET', '/api/notes/1'],
      ['PATCH', '/api/notes/1'],
      ['DELETE', '/api/notes/1'],
      ['GET', '/api/characters/1/notes'],
      ['DELETE', '/api/characters/1/notes'],
      ['GET', '/api/requests/x'],
    ] as const) {
      const reply = await rest.send(method, url, { headers })
      expect([reply.status, reply.json.errors.map((error: any) => error.source.header)]).toEqual([400, named])
    }
  })

  test('goes on into the record as it came', async () => {
    const rest = await RestWorld.start()
    const region = Buffer.from('Žluť').toString('latin1')
    const headers = { ...tenantOf('F934C922-71AB-4137-9D45-6E0069BFDD06'), REGION: region, MAJOR_VERSION: '00083' }
    expect((await rest.send('POST', '/api/notes', { headers, body: newNote(7) })).status).toBe(201)
    const [record] = rest.driver.read(COMMANDS)
    expect(record?.header('TENANT_ID')).toBe('f934c922-71ab-4137-9d45-6e0069bfdd06')
    expect(record?.header('REGION')).toBe('Žluť')
    expect(record?.headers.find(([name]) => name === 'MAJOR_VERSION')?.[1]).toEqual(Buffer.from([0, 83]))
    expect(record?.header('request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })
})

describe('media types', () => {
  test.each<[string | undefined, number, string | null]>([
    [undefined, 200, 'application/json'],
    ['*/*', 200, 'application/json'],
    ['application/*', 200, 'application/json'],
    ['application/json', 200, 'application/json'],
    ['application/vnd.api+json', 200, 'application/vnd.api+json'],
    ['application/vnd.api+json, */*', 200, 'application/vnd.api+json'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 200, 'application/json'],
    ['application/json;q=0.5, application/vnd.api+json', 200, 'application/vnd.api+json'],
    ['application/vnd.api+json;q=0.5, application/json', 200, 'application/json'],
    ['application/vnd.api+json;profile="x"', 200, 'application/vnd.api+json'],
    ['application/vnd.api+json;ext="x"', 406, 'application/json'],
    ['application/vnd.api+json;ext="x", application/vnd.api+json', 200, 'application/vnd.api+json'],
    ['application/json;q=0', 406, 'application/json'],
    ['*/*;q=0', 406, 'application/json'],
    ['text/html', 406, 'application/json'],
    ['nonsense', 406, 'application/json'],
  ])('Accept: %s is answered %i %s', async (accept, status, type) => {
    const rest = await RestWorld.start()
    const reply = await rest.send('GET', '/api/notes', { headers: { accept } })
    expect([reply.status, reply.headers['content-type']]).toEqual([status, type])
  })

  test('an error is answered as asked, too', async () => {
    const rest = await RestWorld.start()
    const accept = 'application/vnd.api+json'
    for (const url of ['/api/notes/x', '/api/nothing'])
      expect((await rest.send('GET', url, { headers: { accept } })).headers['content-type']).toBe(accept)
  })

  test.each([
    ['application/json', 201],
    ['application/json; charset=utf-8', 201],
    ['application/vnd.api+json', 201],
    ['Application/JSON', 201],
    ['application/json; charset=latin1', 415],
    ['application/vnd.api+json; charset=utf-8', 415],
    ['application/vnd.api+json; ext="x"', 415],
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
    ['multipart/form-data; boundary=x', 415],
    [undefined, 415],
  ])('Content-Type: %s is answered %i', async (type, status) => {
    const rest = await RestWorld.start()
    const reply = await rest.send('POST', '/api/notes', { headers: { 'content-type': type }, body: newNote(7) })
    expect(reply.status).toBe(status)
  })

  test('a compressed body is 415', async () => {
    const rest = await RestWorld.start()
    const reply = await rest.send('POST', '/api/notes', { headers: { 'content-encoding': 'gzip' }, body: newNote(7) })
    expect(reply.status).toBe(415)
  })
})

describe('methods and paths', () => {
  test.each([
    ['PUT', '/api/notes', 'GET, HEAD, POST'],
    ['PATCH', '/api/notes', 'GET, HEAD, POST'],
    ['DELETE', '/api/notes?x=1', 'GET, HEAD, POST'],
    ['POST', '/api/notes/1', 'DELETE, GET, HEAD, PATCH'],
    ['OPTIONS', '/api/notes/1', 'DELETE, GET, HEAD, PATCH'],
    ['PROPFIND', '/api/notes/1', 'DELETE, GET, HEAD, PATCH'],
    ['POST', '/api/characters/1/notes', 'DELETE, GET, HEAD'],
    ['DELETE', '/api/requests/1', 'GET, HEAD'],
    ['POST', '/livez', 'GET, HEAD'],
    ['POST', '/api/openapi.json', 'GET, HEAD'],
  ])('%s %s is 405', async (method, url, allow) => {
    const rest = await RestWorld.start()
    const reply = await rest.send(method, url, { body: {} })
    expect([reply.status, reply.headers['allow'], codesOf(reply)]).toEqual([405, allow, ['method.not_allowed']])
  })

  test.each(['/', '/api', '/api/', '/api/notes/1/2', '/API/notes', '/api//notes'])('%s is 404', async (url) => {
    const rest = await RestWorld.start()
    expect(codesOf(await rest.send('GET', url))).toEqual(['route.unknown'])
  })

  test('HEAD answers as GET, without the body', async () => {
    const rest = await RestWorld.start()
    const reply = await rest.send('HEAD', '/api/notes')
    expect([reply.status, reply.text]).toEqual([200, ''])
    expect(Number(reply.headers['content-length'])).toBeGreaterThan(100)
  })

  test('a parameter that is not known is 400', async () => {
    const rest = await RestWorld.start()
    expect(codesOf(await rest.send('GET', '/api/notes/1?x=1'))).toEqual(['query.unknown'])
    expect(codesOf(await rest.send('POST', '/api/notes?dry-run', { body: newNote(7) }))).toEqual(['query.unknown'])
  })

  test('malformed percent-encoding is 400, a long URL 414', async () => {
    const rest = await RestWorld.start()
    expect(codesOf(await rest.send('GET', '/api/notes/%zz'))).toEqual(['request.malformed'])
    expect(codesOf(await rest.send('GET', `/api/notes?${'x'.repeat(5_000)}`))).toEqual(['url.too_long'])
  })
})

describe('access', () => {
  const changing = [
    ['POST', '/api/notes'],
    ['PATCH', '/api/notes/1'],
    ['DELETE', '/api/notes/1'],
    ['DELETE', '/api/characters/7/notes'],
  ] as const

  test('with a token every change needs it, and no read', async () => {
    const rest = await RestWorld.start({ token: 'secret-token' })
    for (const [method, url] of changing) {
      for (const authorization of [
        undefined,
        'Bearer secret-toke',
        'Bearer secret-token-',
        'Basic secret-token',
        'Bearer',
        '',
      ]) {
        const reply = await rest.send(method, url, { headers: { authorization } })
        expect([reply.status, codesOf(reply)]).toEqual([401, ['token.required']])
        expect(reply.headers['www-authenticate']).toMatch(/^Bearer/)
      }
    }
    const headers = { authorization: 'bearer secret-token', host: 'notes.example', origin: 'https://other.example' }
    expect((await rest.send('POST', '/api/notes', { headers, body: newNote(7) })).status).toBe(201)
    expect((await rest.send('GET', '/api/notes')).status).toBe(200)
    expect((await rest.send('GET', '/api/openapi.json')).status).toBe(200)
  })

  test.each<[Record<string, string | undefined>, number]>([
    [{}, 201],
    [{ host: '127.0.0.1:8080' }, 201],
    [{ host: '[::1]:8080' }, 201],
    [{ host: 'LOCALHOST' }, 201],
    [{ origin: 'http://localhost:8080' }, 201],
    [{ 'sec-fetch-site': 'same-origin' }, 201],
    [{ host: 'evil.example' }, 403],
    [{ host: 'localhost.evil.example' }, 403],
    [{ host: '127.0.0.1.evil.example' }, 403],
    [{ host: 'evil.example:80@localhost' }, 403],
    [{ origin: 'http://evil.example' }, 403],
    [{ origin: 'https://localhost:8080' }, 403],
    [{ origin: 'http://localhost:9999' }, 403],
    [{ origin: 'null' }, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
  ])('without a token, %j is %i', async (headers, status) => {
    const rest = await RestWorld.start()
    const reply = await rest.send('POST', '/api/notes', { headers, body: newNote(7) })
    expect(reply.status).toBe(status)
    if (status === 403)
      for (const [method, url] of changing) expect((await rest.send(method, url, { headers })).status).toBe(403)
    expect((await rest.send('GET', '/api/notes', { headers })).status).toBe(200)
  })
})

describe('headers', () => {
  test('of every answer forbid what a page could do with it', async () => {
    const rest = await RestWorld.start()
    for (const url of ['/api/notes', '/api/nothing', '/api/notes/x', '/livez', '/api/openapi.json']) {
      const { headers } = await rest.send('GET', url)
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'/)
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['access-control-allow-origin']).toBeUndefined()
    }
  })

  test('tell the freshness of what was read', async () => {
    const rest = await RestWorld.start()
    const [id] = await rest.given(7, 1)
    await rest.driver.advance(1_000)
    for (const url of [`/api/notes/${id}`, '/api/characters/7/notes']) {
      const [, age] =
        /^p\d=\d+;age=(\d+);lag=0$/.exec(String((await rest.send('GET', url)).headers['tributary-freshness'])) ?? []
      expect(Number(age)).toBeGreaterThanOrEqual(1_000)
    }
  })

  test('of a trace go on as the parent of the command', async () => {
    const rest = await RestWorld.start()
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00'
    const headers = { traceparent, tracestate: 'vendor=1', baggage: 'a=b' }
    await rest.send('POST', '/api/notes', { headers, body: newNote(7) })
    await rest.send('POST', '/api/notes', { headers: { ...headers, traceparent: 'nonsense' }, body: newNote(7) })
    await rest.send('POST', '/api/notes', { body: newNote(7) })
    const [given, bad, none] = rest.driver.read(COMMANDS)
    expect(given?.header('traceparent')).toBe(traceparent)
    expect(given?.header('tracestate')).toBe('vendor=1')
    expect(given?.header('baggage')).toBe('a=b')
    expect(bad?.header('traceparent')).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
    expect(bad?.header('tracestate')).toBeUndefined()
    expect(none?.header('traceparent')).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
    const [event] = rest.driver.read('EVENT_TOPIC_NOTE_STATUS')
    expect(event?.header('traceparent')).toMatch(/^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-00$/)
    expect(event?.header('request-id')).toBeUndefined()
  })
})
