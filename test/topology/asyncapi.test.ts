/** The AsyncAPI document: sound by the specification's own parser, complete by the topology, true by the decoders. */
import { Parser } from '@asyncapi/parser'
import Ajv from 'ajv'
import addFormats from 'ajv-formats'
import { describe, expect, test } from 'vitest'
import { visitCounter } from '../../examples/01-counter-per-key.ts'
import { asyncApi } from '../../topology/asyncapi.ts'
import { characterStatus, noteCommand } from '../../topology/notes/messages.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { NoteService } from '../notes/note-service.ts'
import { command, create, given, ofType } from '../notes/records.ts'
import { randomOf } from '../subscribe/support.ts'

const options = {
  title: 'Notes',
  version: '1.0.0',
  topicNames: { EVENT_TOPIC_NOTE_STATUS: 'real.status' },
  bootstrapServers: '127.0.0.1:9092',
}
const document = asyncApi(noteTopology, options) as any

async function problems(of: unknown): Promise<readonly string[]> {
  const { diagnostics } = await new Parser().parse(JSON.stringify(of))
  // 0 error, 1 warning.
  return diagnostics.filter(({ severity }) => severity <= 1).map(({ message, path }) => `${path.join('.')}: ${message}`)
}

const payload = (topic: string, type: string) => document.components.messages[`${topic}.${type}`].payload
const ajv = addFormats.default(new Ajv.default({ strict: false, allErrors: true }))

// The parser takes seconds to load on a busy machine.
describe('the document', { timeout: 60_000 }, () => {
  test('of the note service has no error or warning of the parser', async () => {
    expect(await problems(document)).toEqual([])
  })

  test('of an example has none either, and its schemas are those of its decoder', async () => {
    const example = asyncApi(visitCounter, { title: 'Visits', version: '1.0.0' }) as any
    expect(await problems(example)).toEqual([])
    expect(example.components.messages['page-visits.VISIT'].payload.properties.page).toEqual({
      type: 'string',
      minLength: 1,
    })
  })

  test('the parser does find what is wrong', async () => {
    expect(await problems({ ...document, channels: 7 })).not.toEqual([])
  })

  test('has a channel per source and sink, with the real name and a message per type', () => {
    const channels = Object.entries<any>(document.channels).map(([topic, { address, messages }]) => [
      topic,
      address,
      Object.keys(messages),
    ])
    expect(channels).toEqual([
      ['COMMAND_TOPIC_NOTE', 'COMMAND_TOPIC_NOTE', ['CREATE', 'DISCARD', 'UPDATE', 'DELETE']],
      ['EVENT_TOPIC_CHARACTER_STATUS', 'EVENT_TOPIC_CHARACTER_STATUS', ['DELETED']],
      ['EVENT_TOPIC_NOTE_STATUS', 'real.status', ['CREATED', 'CREATE_FAILED', 'UPDATED', 'DELETED']],
      ['COMMAND_TOPIC_SAGA', 'COMMAND_TOPIC_SAGA', ['COMMAND_TOPIC_SAGA']],
    ])
    expect(Object.keys(document.operations)).toEqual([
      'receive COMMAND_TOPIC_NOTE',
      'receive EVENT_TOPIC_CHARACTER_STATUS',
      'send EVENT_TOPIC_NOTE_STATUS',
      'send COMMAND_TOPIC_SAGA',
    ])
  })

  test('says keys and headers of every message', () => {
    for (const message of Object.values<any>(document.components.messages)) {
      expect(message.bindings.kafka.key.description).toMatch(/8 bytes|transactionId/)
      expect(message.headers.required).toEqual(['TENANT_ID', 'REGION', 'MAJOR_VERSION', 'MINOR_VERSION'])
      expect(Object.keys(message.headers.properties)).toContain('traceparent')
    }
  })

  test('leaves open what a topology does not declare', () => {
    expect((asyncApi({ ...noteTopology, sinks: [] }, options) as any).channels.COMMAND_TOPIC_SAGA).toBeUndefined()
    const bare = { ...noteTopology.sources[0]!, schema: null }
    const open = asyncApi({ ...noteTopology, sources: [bare] }, options) as any
    expect(open.components.messages['COMMAND_TOPIC_NOTE.CREATE'].payload).toEqual({
      type: 'object',
      required: ['type'],
      properties: { type: { const: 'CREATE' } },
    })
  })
})

describe('its schemas', () => {
  const VALUES = [
    undefined,
    null,
    0,
    1,
    255,
    256,
    4_294_967_295,
    4_294_967_296,
    -1,
    1.5,
    '',
    'x',
    true,
    false,
    [],
    [1, 2],
    [-1],
    ['x'],
    {},
    '083839c6-c47c-42a6-9585-76492795d123',
    '00000000-0000-0000-0000-000000000000',
    '083839c6c47c42a6958576492795d123',
  ]
  const FIELDS = ['transactionId', 'worldId', 'channelId', 'characterId']
  const BODY = ['senderId', 'message', 'flag', 'noteId', 'noteIds', 'all', 'unknown']

  test.each([
    ['COMMAND_TOPIC_NOTE', ['CREATE', 'DISCARD', 'UPDATE', 'DELETE'], noteCommand],
    ['EVENT_TOPIC_CHARACTER_STATUS', ['DELETED'], characterStatus],
  ] as const)('of %s take what the decoder takes, and nothing else', (topic, types, decode) => {
    const random = randomOf(11)
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
    let taken = 0
    for (let run = 0; run < 4_000; run++) {
      const type = pick(types)
      const body: Record<string, unknown> = {}
      for (let n = Math.floor(random() * 3); n > 0; n--) body[pick(BODY)] = pick(VALUES)
      const message: Record<string, unknown> = { type, body: random() < 0.9 ? body : pick(VALUES) }
      for (let n = Math.floor(random() * 3); n > 0; n--) message[pick(FIELDS)] = pick(VALUES)
      // This service looks at neither of a status.
      if (topic === 'EVENT_TOPIC_CHARACTER_STATUS') delete message['channelId']
      const text = JSON.stringify(message)
      let decoded = true
      try {
        decode(Buffer.from(text))
      } catch {
        decoded = false
      }
      if (decoded) taken++
      const valid = ajv.validate(payload(topic, type), JSON.parse(text)) as boolean
      expect(valid, `${text}\n${ajv.errorsText()}`).toBe(decoded)
    }
    expect(taken).toBeGreaterThan(500)
    expect(taken).toBeLessThan(3_500)
  })

  test('of what is written fit what is written', () => {
    const service = new NoteService()
    const [noteId] = given(service, 7, [9])
    const { emitted } = {
      emitted: [
        create(7, 9),
        create(7, 0),
        ofType('UPDATE', 7, { noteId, message: 'again' }),
        ofType('DISCARD', 7, { noteIds: [noteId] }),
      ].flatMap((value) => command(service, value).emitted),
    }
    const types = emitted.map(({ topic, value }) => [topic, value.type ?? topic] as const)
    expect(types.map(([, type]) => type)).toEqual(
      expect.arrayContaining(['CREATED', 'CREATE_FAILED', 'UPDATED', 'DELETED', 'COMMAND_TOPIC_SAGA']),
    )
    for (const [i, [topic, type]] of types.entries()) {
      expect(ajv.validate(payload(topic, type), emitted[i]!.value), `${type} ${ajv.errorsText()}`).toBe(true)
      expect(ajv.validate(payload(topic, type), { ...emitted[i]!.value, transactionId: 1 })).toBe(false)
    }
  })
})
