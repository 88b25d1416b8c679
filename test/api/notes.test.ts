/** Every operation on notes through the whole engine, without sockets, broker and Redis. */
import { describe, expect, test } from 'vitest'
import { REMEMBERED_MS } from '../../topology/notes/request-expiry.ts'
import { TENANT_B } from '../notes/records.ts'
import { codesOf, newNote, noteChange, RestWorld } from './rest-world.ts'

const STATUS = 'EVENT_TOPIC_NOTE_STATUS'

describe('POST /api/notes', () => {
  test('creates the note, says where it is, and it can be read', async () => {
    const rest = await RestWorld.start()
    const reply = await rest.send('POST', '/api/notes', { body: newNote(7, 'héllo <&>', { flag: 255 }) })
    expect(reply.status).toBe(201)
    const { id, attributes } = reply.json.data
    expect(reply.headers['location']).toBe(`/api/notes/${id}`)
    expect(attributes).toMatchObject({ characterId: 7, senderId: 9, message: 'héllo <&>', flag: 255 })
    expect((await rest.send('GET', `/api/notes/${id}`)).json).toEqual(reply.json)
    const [event, ...more] = rest.driver.read(STATUS)
    expect(more).toEqual([])
    expect(event?.json).toMatchObject({ type: 'CREATED', characterId: 7, body: { noteId: Number(id), flag: 255 } })
    expect(event?.json.transactionId).toMatch(/^[0-9a-f-]{14}4/)
  })

  test('ignores an id, and fields that it does not know', async () => {
    const rest = await RestWorld.start()
    const body = { data: { ...newNote(7).data, id: 'anything', relationships: {} }, meta: {}, jsonapi: {} }
    expect((await rest.send('POST', '/api/notes', { body })).status).toBe(201)
  })

  test('tells every broken field with its place', async () => {
    const rest = await RestWorld.start()
    const body = newNote(0, '', { senderId: -1, flag: 256 })
    const reply = await rest.send('POST', '/api/notes', { body })
    expect(reply.status).toBe(422)
    expect(reply.json.errors.map((error: any) => [error.code, error.source.pointer])).toEqual([
      ['value.required', '/data/attributes/characterId'],
      ['value.out_of_range', '/data/attributes/senderId'],
      ['value.required', '/data/attributes/message'],
      ['value.out_of_range', '/data/attributes/flag'],
    ])
    expect(rest.driver.read(STATUS)).toEqual([])
  })

  test.each([
    [
      '{"data":{"type":"notes","attributes":{"characterId":1e400,"senderId":1,"message":"x"}}}',
      422,
      ['value.out_of_range'],
    ],
    [
      '{"data":{"type":"notes","attributes":{"characterId":1.5,"senderId":1,"message":"x"}}}',
      422,
      ['value.out_of_range'],
    ],
    [
      '{"data":{"type":"notes","attributes":{"characterId":"1","senderId":true,"message":5}}}',
      422,
      ['value.wrong_type', 'value.wrong_type', 'value.wrong_type'],
    ],
    ['{"data":{"type":"notes","attributes":{"characterId":1,"senderId":1,"message":null}}}', 422, ['value.required']],
    ['{"data":{"type":"notes","attributes":{}}}', 422, ['value.required', 'value.required', 'value.required']],
    ['{"data":{"type":"notes"}}', 422, ['value.required']],
    ['{"data":{"attributes":{}}}', 422, ['value.required']],
    ['{"data":{"type":"other","attributes":{}}}', 422, ['value.out_of_range']],
    ['{"data":{"type":1,"attributes":{}}}', 422, ['value.wrong_type']],
    ['{"data":[]}', 422, ['value.wrong_type']],
    ['{}', 422, ['value.required']],
    ['[]', 422, ['value.wrong_type']],
    ['{', 400, ['body.not_json']],
    ['', 400, ['body.not_json']],
    [Buffer.from([0x22, 0xc3, 0x28, 0x22]), 400, ['body.not_json']],
    ['\ufeff{}', 400, ['body.not_json']],
    ['{"data":1,"data":2}', 400, ['body.ambiguous']],
    ['{"data":{"a":1,"\\u0061":2}}', 400, ['body.ambiguous']],
    ['{"__proto__":{}}', 400, ['body.ambiguous']],
    [`{"data":${'['.repeat(40)}${']'.repeat(40)}}`, 400, ['body.too_deep']],
    [`{"data":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 400, ['body.too_deep']],
    ['x'.repeat(300_000), 413, ['body.too_large']],
  ])('%.70s is answered %i', async (body, status, codes) => {
    const rest = await RestWorld.start()
    const reply = await rest.send('POST', '/api/notes', { body })
    expect([reply.status, codesOf(reply)]).toEqual([status, codes])
    expect(rest.problems).toEqual([])
  })

  test('takes a message as large as a body may be', async () => {
    const rest = await RestWorld.start()
    const reply = await rest.send('POST', '/api/notes', { body: newNote(7, 'é'.repeat(130_000)) })
    expect(reply.status).toBe(201)
    expect(reply.json.data.attributes.message).toHaveLength(130_000)
  })
})

describe('PATCH /api/notes/{id}', () => {
  test('changes what is given, flag 0 included, and the time', async () => {
    const rest = await RestWorld.start()
    const { json: created } = await rest.send('POST', '/api/notes', { body: newNote(7, 'old', { flag: 3 }) })
    await rest.driver.advance(1_000)
    const { id } = created.data
    const reply = await rest.send('PATCH', `/api/notes/${id}`, { body: noteChange({ flag: 0 }) })
    expect(reply.status).toBe(200)
    expect(reply.json.data.attributes).toMatchObject({ characterId: 7, senderId: 9, message: 'old', flag: 0 })
    expect(reply.json.data.attributes.timestamp > created.data.attributes.timestamp).toBe(true)
    const all = noteChange({ characterId: 7, senderId: 11, message: 'new', flag: 255 })
    const again = await rest.send('PATCH', `/api/notes/${id}`, { body: { data: { ...all.data, id } } })
    expect(again.json.data.attributes).toMatchObject({ senderId: 11, message: 'new', flag: 255 })
    expect(rest.driver.read(STATUS).map(({ json }) => json.type)).toEqual(['CREATED', 'UPDATED', 'UPDATED'])
  })

  test('does not change the character, nor the id', async () => {
    const rest = await RestWorld.start()
    const [id] = await rest.given(7, 1)
    const other = await rest.send('PATCH', `/api/notes/${id}`, { body: noteChange({ characterId: 8, flag: 1 }) })
    expect([other.status, other.json.errors[0].source]).toEqual([422, { pointer: '/data/attributes/characterId' }])
    const body = { data: { type: 'notes', id: String(id! + 1), attributes: { flag: 1 } } }
    const another = await rest.send('PATCH', `/api/notes/${id}`, { body })
    expect([another.status, another.json.errors[0].source]).toEqual([422, { pointer: '/data/id' }])
    expect((await rest.send('GET', `/api/notes/${id}`)).json.data.attributes.flag).toBe(0)
  })

  test('of zero values is refused with every place; null leaves a field', async () => {
    const rest = await RestWorld.start()
    const [id] = await rest.given(7, 1)
    const zero = noteChange({ characterId: 0, senderId: 0, message: '', flag: -1 })
    const reply = await rest.send('PATCH', `/api/notes/${id}`, { body: zero })
    expect(reply.json.errors.map((error: any) => error.source.pointer)).toEqual(
      ['characterId', 'senderId', 'message', 'flag'].map((name) => `/data/attributes/${name}`),
    )
    const nulls = noteChange({ senderId: null, message: null, flag: null })
    const same = await rest.send('PATCH', `/api/notes/${id}`, { body: nulls })
    expect(same.json.data.attributes).toMatchObject({ senderId: 9, message: 'note 0', flag: 0 })
  })

  test('of a note that is not there is 404, and creates nothing', async () => {
    const rest = await RestWorld.start()
    for (const id of [1, 2, 4_294_967_295, 0]) {
      const reply = await rest.send('PATCH', `/api/notes/${id}`, { body: noteChange({ flag: 1 }) })
      expect([reply.status, codesOf(reply)]).toEqual([404, ['note.unknown']])
    }
    expect(rest.driver.read(STATUS)).toEqual([])
  })
})

describe('DELETE', () => {
  test('/api/notes/{id} removes one note, and is 404 afterwards', async () => {
    const rest = await RestWorld.start()
    const [first, second] = await rest.given(7, 2)
    const reply = await rest.send('DELETE', `/api/notes/${first}`)
    expect([reply.status, reply.text]).toEqual([204, ''])
    expect((await rest.send('GET', `/api/notes/${first}`)).status).toBe(404)
    expect((await rest.send('DELETE', `/api/notes/${first}`)).status).toBe(404)
    const { json } = await rest.send('GET', '/api/characters/7/notes')
    expect(json.data.map((note: any) => note.id)).toEqual([String(second)])
    expect(rest.driver.read('COMMAND_TOPIC_SAGA')).toEqual([])
  })

  test('/api/characters/{id}/notes removes those of the character alone', async () => {
    const rest = await RestWorld.start()
    await rest.given(7, 3)
    const [kept] = await rest.given(8, 1)
    expect((await rest.send('DELETE', '/api/characters/7/notes')).status).toBe(204)
    expect((await rest.send('DELETE', '/api/characters/7/notes')).status).toBe(204)
    expect((await rest.send('DELETE', '/api/characters/0/notes')).status).toBe(204)
    const { json } = await rest.send('GET', '/api/notes')
    expect(json.data.map((note: any) => note.id)).toEqual([String(kept)])
    expect(rest.driver.read(STATUS).filter(({ json: event }) => event.type === 'DELETED')).toHaveLength(3)
  })
})

describe('ids', () => {
  test.each(['4294967296', '-1', '1.0', '01', 'x', '%20', '9'.repeat(200), '1e1'])('%s is 400', async (id) => {
    const rest = await RestWorld.start()
    for (const [method, url] of [
      ['GET', `/api/notes/${id}`],
      ['DELETE', `/api/notes/${id}`],
      ['GET', `/api/characters/${id}/notes`],
      ['DELETE', `/api/characters/${id}/notes`],
    ] as const)
      expect([url, (await rest.send(method, url)).status]).toEqual([url, 400])
  })
})

describe('tenants', () => {
  test('do not meet each other on any route', async () => {
    const rest = await RestWorld.start()
    const [id] = await rest.given(7, 1)
    const tenant = TENANT_B
    const body = noteChange({ flag: 9 })
    expect((await rest.send('GET', `/api/notes/${id}`, { tenant })).status).toBe(404)
    expect((await rest.send('PATCH', `/api/notes/${id}`, { tenant, body })).status).toBe(404)
    expect((await rest.send('DELETE', `/api/notes/${id}`, { tenant })).status).toBe(404)
    expect((await rest.send('DELETE', '/api/characters/7/notes', { tenant })).status).toBe(204)
    expect((await rest.send('GET', '/api/notes', { tenant })).json.meta.total).toBe(0)
    expect((await rest.send('GET', '/api/characters/7/notes', { tenant })).json.data).toEqual([])
    expect((await rest.send('GET', `/api/notes/${id}`)).json.data.attributes.flag).toBe(0)
    // Upper case is the same tenant.
    const upper = { headers: { TENANT_ID: 'F934C922-71AB-4137-9D45-6E0069BFDD06' } }
    expect((await rest.send('GET', `/api/notes/${id}`, upper)).status).toBe(200)
  })

  test('keep their idempotency keys apart', async () => {
    const rest = await RestWorld.start()
    const headers = { 'idempotency-key': 'k' }
    const a = await rest.send('POST', '/api/notes', { headers, body: newNote(7) })
    const b = await rest.send('POST', '/api/notes', { headers, body: newNote(7), tenant: TENANT_B })
    expect(a.json.data.id).not.toBe(b.json.data.id)
  })
})

describe('the same key again', () => {
  const headers = { 'idempotency-key': '3f8e2c1a' }

  test('gives the same outcome and no second effect, also after a restart of the processor', async () => {
    const rest = await RestWorld.start()
    const body = newNote(7)
    const first = await rest.send('POST', '/api/notes', { headers, body })
    const second = await rest.send('POST', '/api/notes', { headers, body })
    await rest.driver.restart({ storeLost: true })
    const third = await rest.send('POST', '/api/notes', { headers, body })
    for (const reply of [second, third]) {
      expect([reply.status, reply.headers['location'], reply.json]).toEqual([
        201,
        first.headers['location'],
        first.json,
      ])
    }
    expect(rest.driver.read(STATUS)).toHaveLength(1)
  })

  test('sent side by side is done once', async () => {
    const rest = await RestWorld.start()
    const all = Array.from({ length: 20 }, () => rest.begin('POST', '/api/notes', { headers, body: newNote(7) }))
    const replies = await rest.finish(Promise.all(all))
    expect(new Set(replies.map(({ status, json }) => `${status} ${json.data.id}`)).size).toBe(1)
    expect(rest.driver.read(STATUS)).toHaveLength(1)
  })

  test('with another body is 422, one after the other and side by side', async () => {
    const rest = await RestWorld.start()
    const bodies = [newNote(7, 'a'), newNote(7, 'b')]
    const replies = await rest.finish(
      Promise.all(bodies.map((body) => rest.begin('POST', '/api/notes', { headers, body }))),
    )
    expect(replies.map(({ status }) => status).sort()).toEqual([201, 422])
    const later = await rest.send('POST', '/api/notes', { headers, body: newNote(7, 'c') })
    expect([later.status, codesOf(later)]).toEqual([422, ['idempotency.reused']])
    expect(rest.driver.read(STATUS)).toHaveLength(1)
  })

  test('for another target is another key', async () => {
    const rest = await RestWorld.start()
    const seven = await rest.send('POST', '/api/notes', { headers, body: newNote(7) })
    const eight = await rest.send('POST', '/api/notes', { headers, body: newNote(8) })
    const id = seven.json.data.id
    expect((await rest.send('PATCH', `/api/notes/${id}`, { headers, body: noteChange({ flag: 1 }) })).status).toBe(200)
    expect(
      (await rest.send('PATCH', `/api/notes/${eight.json.data.id}`, { headers, body: noteChange({ flag: 2 }) })).status,
    ).toBe(200)
    expect((await rest.send('DELETE', `/api/notes/${id}`, { headers })).status).toBe(204)
  })

  test('of a removal stays 204 when the note is gone, and of a change 200', async () => {
    const rest = await RestWorld.start()
    const [id] = await rest.given(7, 1)
    const change = { headers, body: noteChange({ flag: 1 }) }
    expect((await rest.send('PATCH', `/api/notes/${id}`, change)).status).toBe(200)
    expect((await rest.send('DELETE', `/api/notes/${id}`, { headers })).status).toBe(204)
    expect((await rest.send('DELETE', `/api/notes/${id}`, { headers })).status).toBe(204)
    const replayed = await rest.send('PATCH', `/api/notes/${id}`, change)
    expect([replayed.status, replayed.json]).toEqual([200, { data: null }])
  })

  test('of a note that was removed since still tells what was created', async () => {
    const rest = await RestWorld.start()
    const request = { headers, body: newNote(7, 'gone', { flag: 5 }) }
    const created = await rest.send('POST', '/api/notes', request)
    await rest.send('DELETE', `/api/notes/${created.json.data.id}`)
    const again = await rest.send('POST', '/api/notes', request)
    expect([again.status, again.headers['location'], again.json]).toEqual([
      201,
      created.headers['location'],
      created.json,
    ])
  })

  test('of a note that was not there stays 404 when it is there', async () => {
    const rest = await RestWorld.start({ partitions: 1 })
    expect((await rest.send('DELETE', '/api/notes/1', { headers })).status).toBe(404)
    expect(await rest.given(7, 1)).toEqual([1])
    expect((await rest.send('DELETE', '/api/notes/1', { headers })).status).toBe(404)
    expect((await rest.send('DELETE', '/api/notes/1')).status).toBe(204)
  })

  test('is a new one a day later', async () => {
    const rest = await RestWorld.start()
    const first = await rest.send('POST', '/api/notes', { headers, body: newNote(7) })
    rest.skew.ms = REMEMBERED_MS + 60_000
    const second = await rest.send('POST', '/api/notes', { headers, body: newNote(7) })
    expect(second.status).toBe(201)
    expect(second.json.data.id).not.toBe(first.json.data.id)
  })

  test.each(['', ' ', 'a b', 'é', 'a'.repeat(256)])('%j cannot be a key', async (key) => {
    const rest = await RestWorld.start()
    const reply = await rest.send('POST', '/api/notes', { headers: { 'idempotency-key': key }, body: newNote(7) })
    expect([reply.status, codesOf(reply)]).toEqual([400, ['idempotency.invalid']])
  })
})
