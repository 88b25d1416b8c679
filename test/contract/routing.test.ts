/** Where records are processed and where their outputs go, when producers spread them over all partitions. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { partitionFor } from '../../engine/core/murmur2.ts'
import { ORIGIN_HEADER } from '../../engine/core/origin.ts'
import type { EngineEvent } from '../../engine/events.ts'
import { type TestDriverOptions, TopologyTestDriver } from '../../testing/topology-test-driver.ts'
import type { Topology } from '../../topology/define.ts'
import { defineTopology } from '../../topology/define.ts'
import { json } from '../../topology/json.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { sink } from '../../topology/sinks.ts'
import { type Decoder, source } from '../../topology/sources.ts'
import { tenantHeaders } from '../notes/records.ts'
import { CHARACTERS, COMMANDS, createRecord, deletedRecord, discardRecord, SAGAS, STATUS } from './notes.ts'

async function started(options: TestDriverOptions = {}, topology: Topology = noteTopology) {
  const events: EngineEvent[] = []
  const driver = await TopologyTestDriver.start(topology, { onEvent: (event) => events.push(event), ...options })
  onTestFinished(() => driver.close())
  return { driver, events }
}

interface Echo {
  readonly type: 'ANY'
  readonly id: string
}

const echo: Decoder<Echo> = json((object) => ({ type: 'ANY', id: String(object.id) }))

const total = (events: readonly EngineEvent[], what: 'forwarded' | 'keyMismatches' | 'newTraces' | 'records'): number =>
  events.reduce((sum, event) => sum + (event.kind === 'batch.committed' ? event.tally[what] : 0), 0)

const messagesOf = (driver: TopologyTestDriver): string[] => driver.read(STATUS).map((event) => event.json.body.message)

describe('a record away from home', () => {
  const CHARACTER = 12
  const home = (driver: TopologyTestDriver): number => partitionFor(characterKey(CHARACTER), driver.plan.tasks)
  const away = (driver: TopologyTestDriver): number => (home(driver) + 1) % driver.plan.tasks

  test('goes home once with key, value, headers, timestamp and origin, and is processed there', async () => {
    const { driver, events } = await started()
    const partition = away(driver)
    const record = createRecord(CHARACTER, 'hello', { partition, timestampMs: 1_700_000_000_123 })
    const [sent] = await driver.send(record)
    await driver.drain()
    const [forwarded, ...more] = driver.read(driver.plan.repartition.topic)
    expect(more).toEqual([])
    expect(forwarded?.partition).toBe(home(driver))
    expect(forwarded?.key).toEqual(record.key)
    expect(forwarded?.json).toEqual(record.value)
    expect(forwarded?.timestampMs).toBe(record.timestampMs)
    expect(forwarded?.headers.slice(0, 4)).toEqual(tenantHeaders())
    expect(forwarded?.header(ORIGIN_HEADER)).toBe(`${COMMANDS}:${partition}:${sent?.offset}`)
    const events1 = driver.read(STATUS)
    expect(events1.map((event) => event.json.body.time)).toEqual(['2023-11-14T22:13:20.123Z'])
    expect(events1[0]?.headers.map(([name]) => name)).not.toContain(ORIGIN_HEADER)
    expect(total(events, 'forwarded')).toBe(1)
    expect(total(events, 'records')).toBe(2)
  })

  test('gives the same bytes as one that was sent home', async () => {
    // Same place of the log, so that the trace of both is the same.
    const outputs: unknown[] = []
    for (const tasks of [1, 4]) {
      const { driver } = await started({
        topicPartitions: { [COMMANDS]: 1, [CHARACTERS]: 1, [STATUS]: 1, [SAGAS]: 1 },
        tasks,
        stride: 4,
      })
      await driver.send(createRecord(CHARACTER, 'hello', { partition: 0 }))
      await driver.drain()
      outputs.push(
        driver
          .read(STATUS)
          .map(({ key, headers, timestampMs, json }) => ({ key, headers, timestampMs, type: json.type })),
      )
    }
    expect(outputs[1]).toEqual(outputs[0])
  })

  test('at home there is no hop', async () => {
    const { driver, events } = await started()
    await driver.send(createRecord(CHARACTER))
    await driver.drain()
    expect(total(events, 'forwarded')).toBe(0)
    expect(driver.read(driver.plan.repartition.topic)).toEqual([])
  })

  test('its key bytes do not decide; a difference is counted', async () => {
    const { driver, events } = await started()
    await driver.send(createRecord(CHARACTER, 'no key', { key: null, partition: away(driver) }))
    await driver.send(createRecord(CHARACTER, 'another key', { key: Buffer.from('x'), partition: away(driver) }))
    await driver.send(createRecord(CHARACTER, 'its key', { partition: away(driver) }))
    await driver.drain()
    expect(messagesOf(driver)).toEqual(['no key', 'another key', 'its key'])
    expect(total(events, 'keyMismatches')).toBe(2)
  })

  test('bad input becomes a dead letter where it was read', async () => {
    const { driver } = await started()
    const [sent] = await driver.send(createRecord(CHARACTER, 'x', { value: 'nothing', partition: away(driver) }))
    await driver.drain()
    expect(driver.read(driver.plan.repartition.topic)).toEqual([])
    expect(driver.deadLetters().map((letter) => letter.origin)).toEqual([sent])
  })

  test('one that fails behind the hop names the place where it was first read', async () => {
    const { driver } = await started({ topicConfigs: { [STATUS]: { 'max.message.bytes': '1000' } } })
    const [sent] = await driver.send(createRecord(CHARACTER, 'x'.repeat(2_000), { partition: away(driver) }))
    await driver.drain()
    const [letter] = driver.deadLetters()
    expect(letter?.reason).toBe('output.too_large')
    expect(letter?.origin).toEqual(sent)
    expect(letter?.headers.map(([name]) => name)).not.toContain(ORIGIN_HEADER)
  })

  test.each([
    ['without an origin', {}, 'repartition.origin_invalid'],
    ['with a malformed origin', { [ORIGIN_HEADER]: 'COMMAND_TOPIC_NOTE:x' }, 'repartition.origin_invalid'],
    ['of a source that is gone', { [ORIGIN_HEADER]: 'GONE:0:5' }, 'repartition.source_unknown'],
    ['in the wrong partition', { [ORIGIN_HEADER]: `${COMMANDS}:0:5` }, 'repartition.misrouted'],
  ])('a record of the repartition topic %s is a dead letter', async (_, extra, code) => {
    const { driver } = await started()
    const headers = [...tenantHeaders(), ...Object.entries(extra)]
    await driver.send(
      createRecord(CHARACTER, 'x', { topic: driver.plan.repartition.topic, partition: away(driver), headers }),
    )
    await driver.drain()
    expect(driver.deadLetters().map((letter) => letter.reason)).toEqual([code])
    expect(driver.read(STATUS)).toEqual([])
  })
})

describe('an origin header from outside', () => {
  const spoofed = [[ORIGIN_HEADER, `${CHARACTERS}:3:999`]] as const

  test('is not believed, not passed on and not shown to transforms', async () => {
    const seen: unknown[] = []
    const out = sink<unknown>({ topic: 'OUT' })
    const topology = defineTopology({
      name: 'echo',
      context: { read: () => null, write: () => [] },
      sources: [
        source({
          topic: 'IN',
          decode: echo,
          key: (message) => Buffer.from(message.id),
          on: {
            ANY: {
              uses: [out],
              transform({ message, headers, origin }) {
                seen.push([headers.values(ORIGIN_HEADER), headers.values('kept').map(String), origin])
                return [out.emit(null, message.id)]
              },
            },
          },
        }),
      ],
      sinks: [out],
    })
    const { driver } = await started({}, topology)
    for (let partition = 0; partition < 4; partition++)
      await driver.send({
        topic: 'IN',
        partition,
        value: { id: 'a' },
        headers: [...spoofed, ['kept', 'yes'], ...spoofed],
      })
    await driver.drain()
    expect(seen).toHaveLength(4)
    for (const [origins, kept] of seen as [unknown, unknown][]) {
      expect(origins).toEqual([])
      expect(kept).toEqual(['yes'])
    }
    expect(
      (seen as [unknown, unknown, { topic: string; partition: number }][])
        .map(([, , o]) => [o.topic, o.partition])
        .sort(),
    ).toEqual([0, 1, 2, 3].map((partition) => ['IN', partition]))
    for (const forwarded of driver.read(driver.plan.repartition.topic))
      expect(
        forwarded.headers.filter(([name]) => name === ORIGIN_HEADER).map(([, value]) => String(value).split(':')[0]),
      ).toEqual(['IN'])
  })

  test('is not in a dead letter', async () => {
    const { driver } = await started()
    const [sent] = await driver.send(createRecord(5, 'x', { value: '', headers: [...tenantHeaders(), ...spoofed] }))
    await driver.drain()
    const [letter] = driver.deadLetters()
    expect(letter?.headers.map(([name]) => name)).not.toContain(ORIGIN_HEADER)
    expect(letter?.origin).toEqual(sent)
  })
})

describe('topics of different partition counts', () => {
  test('two inputs meet in the state of the character, whichever partitions they have', async () => {
    const { driver } = await started({ topicPartitions: { [COMMANDS]: 5, [CHARACTERS]: 2, [STATUS]: 3, [SAGAS]: 1 } })
    expect(driver.plan.tasks).toBe(5)
    const characters = Array.from({ length: 30 }, (_, i) => i + 1)
    await driver.send(
      ...characters.map((character) => createRecord(character, `of ${character}`, { partition: character % 5 })),
    )
    await driver.drain()
    expect(driver.read(STATUS)).toHaveLength(30)
    await driver.send(...characters.map((character) => deletedRecord(character, { partition: character % 2 })))
    await driver.drain()
    const events = driver.read(STATUS)
    expect(events.map((event) => [event.json.type, event.json.characterId]).sort((a, b) => a[1] - b[1])).toEqual(
      characters.map((character) => ['DELETED', character]),
    )
    expect(driver.deadLetters()).toEqual([])
  })

  test('what one character causes lies in one partition', async () => {
    const { driver } = await started({ topicPartitions: { [COMMANDS]: 4, [CHARACTERS]: 3, [STATUS]: 7, [SAGAS]: 5 } })
    await driver.send(...Array.from({ length: 40 }, (_, i) => createRecord((i % 4) + 1, `m${i}`, { partition: i % 4 })))
    await driver.drain()
    const places = new Map<number, Set<number>>()
    for (const event of driver.read(STATUS)) {
      const partitions = places.get(event.json.characterId) ?? new Set()
      places.set(event.json.characterId, partitions.add(event.partition))
    }
    expect([...places.values()].map((partitions) => partitions.size)).toEqual([1, 1, 1, 1])
  })
})

describe('order', () => {
  test('per character and input partition: as it was sent', async () => {
    const { driver } = await started()
    const sent = Array.from({ length: 200 }, (_, i) => ({ character: (i % 3) + 1, message: `m${i}` }))
    // All of a character over one partition, which is home for some of them and not for others.
    await driver.send(
      ...sent.map(({ character, message }) => createRecord(character, message, { partition: character % 4 })),
    )
    await driver.drain()
    const events = driver.read(STATUS)
    for (const character of [1, 2, 3]) {
      const of = events.filter((event) => event.json.characterId === character)
      expect(of.map((event) => event.json.body.message)).toEqual(
        sent.filter((s) => s.character === character).map((s) => s.message),
      )
      const ids = of.map((event) => event.json.body.noteId)
      expect(ids).toEqual([...ids].sort((a, b) => a - b))
    }
  })

  test('the events of one DISCARD stand in the order of its ids, each beside its saga', async () => {
    const { driver } = await started()
    await driver.send(...Array.from({ length: 5 }, (_, i) => createRecord(9, `m${i}`)))
    await driver.drain()
    const ids: number[] = driver.read(STATUS).map((event) => event.json.body.noteId)
    const named = [ids[3]!, ids[0]!, ids[4]!]
    await driver.send(discardRecord(9, named))
    await driver.drain()
    expect(driver.read(STATUS).map((event) => [event.json.type, event.json.body.noteId])).toEqual(
      named.map((id) => ['DELETED', id]),
    )
    expect(driver.read(SAGAS).map((saga) => saga.json.steps[0].stepId)).toEqual(named.map((id) => `award-fame-7-${id}`))
  })

  test('among the inputs of a task the lowest timestamp goes first, of equal ones the topic declared first', async () => {
    const { driver } = await started({ topicPartitions: 1 })
    const at = (timestampMs: number) => ({ timestampMs: 1_700_000_000_000 + timestampMs })
    await driver.send(
      deletedRecord(1, at(5)),
      createRecord(1, 'before', at(1)),
      createRecord(1, 'same', at(5)),
      createRecord(1, 'after', at(9)),
    )
    await driver.drain()
    expect(driver.read(STATUS).map((event) => event.json.type)).toEqual([
      'CREATED',
      'CREATED',
      'DELETED',
      'DELETED',
      'CREATED',
    ])
  })
})
