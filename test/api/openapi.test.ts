/** The OpenAPI document against itself, and real answers of every operation against it. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { afterAll, describe, expect, test } from 'vitest'
import { openApiDocument } from '../../api/rest/openapi.ts'
import { COMMON_ERRORS, type Operation, type OperationId, operations } from '../../api/rest/operations.ts'
import { schemas } from '../../api/rest/schemas.ts'
import { newNote, noteChange, type Reply, type Request, RestWorld } from './rest-world.ts'

const document: any = JSON.parse(JSON.stringify(openApiDocument()))
const ajv = new Ajv2020({ strict: false, allErrors: true })
;(formats as unknown as (ajv: Ajv2020) => void)(ajv)
ajv.addSchema({ $id: 'https://example.org/document', ...document })

const operationOf = (id: OperationId): any => {
  const { method, path }: Operation = operations[id]
  return document.paths[`/api${path}`][method.toLowerCase()]
}

function* refsIn(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) return
  if ('$ref' in value) yield String(value.$ref)
  for (const inner of Object.values(value)) yield* refsIn(inner)
}

const resolved = (ref: string): unknown =>
  ref
    .slice(2)
    .split('/')
    .reduce((at: any, name) => at?.[name], document)

/** Statuses that were answered, by operation. */
const seen = new Map<OperationId, Set<number>>()

/** Answers what the document does not say. */
function undocumented(id: OperationId, reply: Reply): string[] {
  seen.set(id, (seen.get(id) ?? new Set()).add(reply.status))
  const response = operationOf(id).responses[reply.status]
  if (!response) return [`${id} may not answer ${reply.status}`]
  const problems: string[] = []
  for (const name of Object.keys(response.headers ?? {}))
    if (reply.headers[name.toLowerCase()] === undefined && !(name === 'Retry-After' && reply.status === 200))
      problems.push(`${id} ${reply.status} lacks ${name}`)
  const type = String(reply.headers['content-type'] ?? '')
  if (response.content === undefined) return reply.text === '' ? problems : [...problems, `${id} has a body`]
  const schema = response.content[type]?.schema
  if (!schema) return [...problems, `${id} may not answer ${type}`]
  const validate = ajv.compile({ $ref: `https://example.org/document${schema.$ref}` })
  if (!validate(reply.json)) problems.push(`${id} ${reply.status}: ${ajv.errorsText(validate.errors)}`)
  for (const error of reply.json?.errors ?? []) {
    const named: readonly string[] = [...(operations[id] as Operation).errors, ...COMMON_ERRORS]
    if (!named.includes(error.code)) problems.push(`${id} does not name ${error.code}`)
  }
  return problems
}

describe('the document', () => {
  test('is served', async () => {
    const rest = await RestWorld.start()
    const reply = await rest.send('GET', '/api/openapi.json')
    expect([reply.status, reply.headers['content-type'], reply.json]).toEqual([200, 'application/json', document])
  })

  test('refers only to what it has', () => {
    const refs = [...refsIn(document)]
    expect(refs.length).toBeGreaterThan(50)
    expect(refs.filter((ref) => resolved(ref) === undefined)).toEqual([])
  })

  test('has every route of the server and no other', async () => {
    const rest = await RestWorld.start()
    const served = rest.app.printRoutes({ commonPrefix: false }).split('\n').join(' ')
    for (const { path } of Object.values<Operation>(operations))
      for (const part of path.split('/').filter((name) => name !== ''))
        expect(served).toContain(part.replace(/\{(\w+)\}/, ':$1'))
    expect(Object.keys(document.paths)).toHaveLength(4)
  })

  test('gives examples that fit their schemas', () => {
    for (const [name, schema] of Object.entries<{ examples?: readonly unknown[] }>(schemas)) {
      const validate = ajv.compile({ $ref: `https://example.org/document#/components/schemas/${name}` })
      expect(schema.examples?.length ?? 0, name).toBeGreaterThan(0)
      for (const example of schema.examples ?? [])
        expect([name, validate(example), validate.errors]).toEqual([name, true, null])
    }
    for (const item of Object.values<any>(document.paths))
      for (const operation of Object.values<any>(item))
        for (const response of Object.values<any>(operation.responses))
          for (const content of Object.values<any>(response.content ?? {}))
            for (const { value } of Object.values<any>(content.examples ?? {})) {
              const validate = ajv.compile({ $ref: `https://example.org/document${content.schema.$ref}` })
              expect([validate(value), validate.errors]).toEqual([true, null])
            }
  })

  test('describes bodies that are taken, and only those', async () => {
    const taken = ajv.compile({ $ref: 'https://example.org/document#/components/schemas/NewNoteDocument' })
    const rest = await RestWorld.start()
    const one = newNote(7).data
    for (const body of [
      { data: one },
      { data: { ...one, id: 5 } },
      { data: { ...one, type: 'x' } },
      { data: { type: 'notes' } },
      {},
      newNote(0),
      newNote(7, ''),
      newNote(7, 'x', { flag: 256 }),
      newNote(7, 'x', { flag: -1 }),
      newNote(7, 'x', { senderId: 0 }),
      newNote(7, 'x', { senderId: 4_294_967_295 }),
      newNote(7, 'x', { senderId: 4_294_967_296 }),
      newNote(7, 'x', { senderId: 1.5 }),
      newNote(7, 'x', { senderId: '1' }),
      newNote(7, 'x', { flag: undefined }),
    ]) {
      const { status } = await rest.send('POST', '/api/notes', { body })
      expect([JSON.stringify(body), status === 201]).toEqual([
        JSON.stringify(body),
        taken(JSON.parse(JSON.stringify(body))),
      ])
    }
  })
})

describe('what every operation answers', () => {
  const vnd = { accept: 'application/vnd.api+json' }

  async function check(rest: RestWorld, id: OperationId, url: string, request: Request = {}): Promise<Reply> {
    const { method }: Operation = operations[id]
    const reply = await rest.send(method, `/api${url}`, request)
    expect(undocumented(id, reply)).toEqual([])
    return reply
  }

  test('stands in the document', async () => {
    const rest = await RestWorld.start()
    const body = newNote(7)
    const created = await check(rest, 'createNote', '/notes', { body })
    await check(rest, 'createNote', '/notes', { body, headers: vnd })
    await check(rest, 'createNote', '/notes', { body: newNote(0, '', { flag: -1 }) })
    await check(rest, 'createNote', '/notes', { body: '{' })
    await check(rest, 'createNote', '/notes', { body: '{"a":1,"a":2}' })
    await check(rest, 'createNote', '/notes', { body: 'x'.repeat(300_000) })
    await check(rest, 'createNote', '/notes', { body, headers: { 'content-type': 'text/plain' } })
    await check(rest, 'createNote', '/notes', { body, headers: { 'idempotency-key': ' ' } })
    await check(rest, 'createNote', '/notes', { body, headers: { host: 'evil.example' } })
    const key = { 'idempotency-key': 'k' }
    await check(rest, 'createNote', '/notes', { body, headers: key })
    await check(rest, 'createNote', '/notes', { body: newNote(7, 'other'), headers: key })
    const { id } = created.json.data
    await check(rest, 'readNote', `/notes/${id}`)
    await check(rest, 'readNote', `/notes/${id}`, { headers: vnd })
    await check(rest, 'readNote', '/notes/0')
    await check(rest, 'readNote', '/notes/x')
    await check(rest, 'readNote', '/notes/1?x=1')
    await check(rest, 'readNote', '/notes/1', { headers: { accept: 'text/html' } })
    await check(rest, 'readNote', '/notes/1', { headers: { TENANT_ID: undefined } })
    for (const [operation, path] of [
      ['listNotes', '/notes'],
      ['listNotesOfCharacter', '/characters/7/notes'],
    ] as const) {
      for (const query of ['', '?page[size]=1', '?page[size]=1&page[number]=2', '?page[number]=9'])
        expect((await check(rest, operation, `${path}${query}`)).status).toBe(200)
      await check(rest, operation, `${path}?limit=1`)
      await check(rest, operation, path, { headers: vnd })
    }
    await check(rest, 'listNotesOfCharacter', '/characters/x/notes')
    await check(rest, 'changeNote', `/notes/${id}`, { body: noteChange({ flag: 1 }) })
    await check(rest, 'changeNote', `/notes/${id}`, { body: noteChange({ characterId: 8, flag: 1 }) })
    await check(rest, 'changeNote', `/notes/${id}`, { body: noteChange({ senderId: 0 }) })
    await check(rest, 'changeNote', '/notes/0', { body: noteChange({ flag: 1 }) })
    await check(rest, 'changeNote', '/notes/x', { body: noteChange({ flag: 1 }) })
    await check(rest, 'deleteNote', `/notes/${id}`, { headers: key })
    expect((await check(rest, 'deleteNote', `/notes/${id}`)).status).toBe(404)
    await check(rest, 'deleteNote', '/notes/x')
    await check(rest, 'deleteNotesOfCharacter', '/characters/7/notes')
    await check(rest, 'deleteNotesOfCharacter', '/characters/x/notes')
    await check(rest, 'readRequest', '/requests/x')
  })

  test('stands in the document when nothing is there', async () => {
    const rest = await RestWorld.start({ token: 't', starting: true })
    for (const [operation, path] of [
      ['listNotes', '/notes'],
      ['createNote', '/notes'],
      ['readNote', '/notes/1'],
      ['changeNote', '/notes/1'],
      ['deleteNote', '/notes/1'],
      ['listNotesOfCharacter', '/characters/7/notes'],
      ['deleteNotesOfCharacter', '/characters/7/notes'],
      ['readRequest', '/requests/x'],
    ] as const) {
      const body = operation === 'createNote' ? newNote(7) : noteChange({ flag: 1 })
      await check(rest, operation, path, {
        ...((operations[operation] as Operation).body ? { body } : {}),
        headers: { authorization: 'Bearer t' },
      })
      await check(rest, operation, path)
    }
  })

  test('stands in the document when the outcome does not come', async () => {
    const rest = await RestWorld.start()
    const [id] = await rest.given(7, 1)
    rest.driver.world.kill(rest.driver.world.processes[0]!)
    const replies = [
      await check(rest, 'createNote', '/notes', { body: newNote(7) }),
      await check(rest, 'changeNote', `/notes/${id}`, { body: noteChange({ flag: 1 }) }),
      await check(rest, 'deleteNote', `/notes/${id}`),
      await check(rest, 'deleteNotesOfCharacter', '/characters/7/notes'),
    ]
    expect(replies.map(({ status }) => status)).toEqual([202, 202, 202, 202])
    const links = replies.map(({ headers }) => String(headers['location']).slice('/api'.length))
    for (const link of links) await check(rest, 'readRequest', link)
    rest.driver.world.start('driver')
    await rest.driver.world.untilRunning()
    await rest.driver.world.untilAtRest()
    const states = []
    for (const link of links) states.push((await check(rest, 'readRequest', link)).json.data.attributes.status)
    expect(states).toEqual([201, 200, 204, 204])
  })

  afterAll(() => {
    for (const [id, statuses] of seen)
      for (const status of Object.keys((operations[id] as Operation).answers))
        expect([id, ...statuses]).toContain(Number(status))
    expect(seen.size).toBe(Object.keys(operations).length)
  })
})
