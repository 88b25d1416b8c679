/** Every kind of bad input that the contract names: one dead letter with its code, and the next record goes on. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { type TestDriverOptions, type TestRecord, TopologyTestDriver } from '../../testing/topology-test-driver.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { create, ofType, tenantHeaders } from '../notes/records.ts'
import { CHARACTERS, commandRecord, createRecord, discardRecord, SAGAS, STATUS } from './notes.ts'

async function started(options: TestDriverOptions = {}): Promise<TopologyTestDriver> {
  const driver = await TopologyTestDriver.start(noteTopology, options)
  onTestFinished(() => driver.close())
  return driver
}

const CHARACTER = 41
const good = create(CHARACTER, 7)
const withBody = (body: unknown) => ({ ...good, body })
const withHeaders = (change: (name: string, value: Buffer | null) => Buffer | null | undefined): TestRecord =>
  commandRecord(good, CHARACTER, {
    headers: tenantHeaders().flatMap(([name, value]) => {
      const changed = change(name, value)
      return changed === undefined ? [] : [[name, changed] as const]
    }),
  })
const without = (header: string) => withHeaders((name, value) => (name === header ? undefined : value))
const changed = (header: string, to: Buffer | null) => withHeaders((name, value) => (name === header ? to : value))

const cases: readonly (readonly [what: string, code: string, record: TestRecord])[] = [
  ['no value', 'value.empty', commandRecord(null, CHARACTER)],
  ['zero bytes', 'value.empty', commandRecord('', CHARACTER)],
  ['text that is not JSON', 'value.not_json', commandRecord('{"type":', CHARACTER)],
  ['a byte-order mark', 'value.not_json', commandRecord(`\ufeff${JSON.stringify(good)}`, CHARACTER)],
  [
    'JSON deeper than any parser goes',
    'value.wrong_type',
    commandRecord('['.repeat(100_000) + ']'.repeat(100_000), CHARACTER),
  ],
  ['invalid UTF-8', 'value.not_utf8', commandRecord(Buffer.from([0x22, 0xc3, 0x28, 0x22]), CHARACTER)],
  ['a list', 'value.wrong_type', commandRecord([good], CHARACTER)],
  ['a number', 'value.wrong_type', commandRecord('7', CHARACTER)],
  ['no type', 'value.wrong_type', commandRecord({ characterId: CHARACTER, body: good.body }, CHARACTER)],
  ['a type of another type', 'value.wrong_type', commandRecord({ ...good, type: 1 }, CHARACTER)],
  ['a command nobody knows', 'command.unknown_type', commandRecord({ ...good, type: 'EXPLODE' }, CHARACTER)],
  [
    '__proto__ instead of fields',
    'command.unknown_type',
    commandRecord('{"__proto__":{"type":"CREATE"},"type":"X"}', CHARACTER),
  ],
  ['a character that is text', 'value.wrong_type', commandRecord({ ...good, characterId: '41' }, CHARACTER)],
  ['a character below zero', 'value.out_of_range', commandRecord({ ...good, characterId: -1 }, CHARACTER)],
  ['a character beyond uint32', 'value.out_of_range', commandRecord({ ...good, characterId: 2 ** 32 }, CHARACTER)],
  ['half a character', 'value.out_of_range', commandRecord({ ...good, characterId: 1.5 }, CHARACTER)],
  ['a flag of 256', 'value.out_of_range', commandRecord(withBody({ ...good.body, flag: 256 }), CHARACTER)],
  ['a message that is a number', 'value.wrong_type', commandRecord(withBody({ ...good.body, message: 5 }), CHARACTER)],
  ['a body that is a list', 'value.wrong_type', commandRecord(withBody([]), CHARACTER)],
  ['a transactionId that is no UUID', 'value.wrong_type', commandRecord({ ...good, transactionId: 'x' }, CHARACTER)],
  ['note ids with a null', 'value.wrong_type', discardRecord(CHARACTER, [null as never])],
  ['note ids beyond uint32', 'value.out_of_range', discardRecord(CHARACTER, [2 ** 32])],
  [
    'UPDATE to sender 0',
    'update.invalid',
    commandRecord(ofType('UPDATE', CHARACTER, { noteId: 1, senderId: 0 }), CHARACTER),
  ],
  [
    'UPDATE to an empty message',
    'update.invalid',
    commandRecord(ofType('UPDATE', CHARACTER, { noteId: 1, message: '' }), CHARACTER),
  ],
  [
    'DELETE of all and of some',
    'delete.ambiguous',
    commandRecord(ofType('DELETE', CHARACTER, { all: true, noteIds: [1] }), CHARACTER),
  ],
  [
    'a timestamp that no calendar knows',
    'timestamp.invalid',
    createRecord(CHARACTER, 'x', { timestampMs: Number.MAX_SAFE_INTEGER }),
  ],
  ['no tenant', 'headers.tenant_invalid', without('TENANT_ID')],
  ['a tenant that is no UUID', 'headers.tenant_invalid', changed('TENANT_ID', Buffer.from('me'))],
  ['no region', 'headers.tenant_invalid', without('REGION')],
  ['an empty region', 'headers.tenant_invalid', changed('REGION', null)],
  ['no major version', 'headers.tenant_invalid', without('MAJOR_VERSION')],
  ['a major version as text', 'headers.tenant_invalid', changed('MAJOR_VERSION', Buffer.from('83 '))],
  ['no minor version', 'headers.tenant_invalid', without('MINOR_VERSION')],
  ['no headers at all', 'headers.tenant_invalid', commandRecord(good, CHARACTER, { headers: [] })],
  [
    'a status without a type',
    'value.wrong_type',
    { ...commandRecord({ characterId: 1 }, CHARACTER), topic: CHARACTERS },
  ],
  ['a status that is not JSON', 'value.not_json', { ...commandRecord('nothing', CHARACTER), topic: CHARACTERS }],
]

describe('bad input', () => {
  test.each(cases)('%s: %s, once, and the next record goes on', async (_, code, record) => {
    const driver = await started()
    const [sent] = await driver.send({ timestampMs: 1_700_000_000_123, ...record, partition: 2 })
    await driver.send(createRecord(CHARACTER, 'next', { partition: 2 }))
    await driver.drain()

    const letters = driver.deadLetters()
    expect(letters.map((letter) => letter.reason)).toEqual([code])
    const [letter] = letters
    const value = record.value
    const bytes =
      value === null || Buffer.isBuffer(value)
        ? value
        : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
    expect(letter?.value).toEqual(bytes)
    expect(letter?.key).toEqual(record.key)
    expect(letter?.message).not.toBe('')
    expect(letter?.origin).toEqual({ topic: record.topic, partition: 2, offset: sent?.offset })
    expect(letter?.header('dead-letter.timestamp')).toBe(String(record.timestampMs ?? 1_700_000_000_123))
    const original = (record.headers as readonly (readonly [string, Buffer | null])[]).map(([name, value]) => [
      name,
      value,
    ])
    expect(letter?.headers.slice(0, original.length)).toEqual(original)
    expect(driver.read(STATUS).map((event) => event.json.body.message)).toEqual(['next'])
    expect(driver.read(SAGAS)).toEqual([])
  })

  test('a missing span context, where one is required', async () => {
    const driver = await started({ requireSpanContext: true })
    const traceparent = ['traceparent', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'] as const
    await driver.send(createRecord(CHARACTER, 'none'))
    await driver.send(
      createRecord(CHARACTER, 'malformed', { headers: [...tenantHeaders(), ['traceparent', '00-0-0-0']] }),
    )
    await driver.send(createRecord(CHARACTER, 'good', { headers: [...tenantHeaders(), traceparent] }))
    await driver.drain()
    expect(driver.deadLetters().map((letter) => letter.reason)).toEqual(Array(2).fill('headers.span_context_invalid'))
    expect(driver.read(STATUS).map((event) => event.json.body.message)).toEqual(['good'])
  })

  test('output too large for its topic: nothing of the record is done', async () => {
    const driver = await started({ topicConfigs: { [STATUS]: { 'max.message.bytes': '2000' } } })
    await driver.send(createRecord(CHARACTER, 'a'.repeat(1_600)))
    await driver.send(createRecord(CHARACTER, 'b'))
    await driver.drain()
    const letters = driver.deadLetters()
    expect(letters.map((letter) => letter.reason)).toEqual(['output.too_large'])
    expect(letters[0]?.header('dead-letter.truncated')).toBeUndefined()
    const events = driver.read(STATUS)
    expect(events.map((event) => event.json.body.message)).toEqual(['b'])
    // The first note of its task: the one that failed has used no number.
    expect(Math.ceil(events[0]!.json.body.noteId / driver.plan.stride)).toBe(1)
  })

  test('a dead letter that fits nowhere is cut and says how long it was', async () => {
    const driver = await started({ topicConfigs: { 'test-dead-letters': { 'max.message.bytes': '1500' } } })
    const value = `not json ${'x'.repeat(3_000)}`
    await driver.send(commandRecord(value, CHARACTER))
    await driver.send(createRecord(CHARACTER, 'next'))
    await driver.drain()
    const [letter] = driver.deadLetters()
    expect(letter?.reason).toBe('value.not_json')
    expect(letter?.header('dead-letter.truncated')).toBe(String(value.length))
    expect(letter?.text.length).toBeGreaterThan(500)
    expect(value.startsWith(letter!.text)).toBe(true)
    expect(driver.read(STATUS)).toHaveLength(1)
  })
})
