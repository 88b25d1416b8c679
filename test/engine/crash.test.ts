/**
 * The promise, request by request: whatever single request is lost, refused or the last thing a process does, what is
 * committed in the end is the same, byte for byte, as of a run in which nothing happened; and so is the state.
 */
import { describe, expect, test } from 'vitest'
import { codes } from '../../engine/core/kafka-errors.ts'
import type { MemoryFault } from '../../stores/memory.ts'
import { storeLayoutOf } from '../../stores/store-layout.ts'
import type { KafkaFault, MemoryApi } from '../../testing/kafka/memory-kafka.ts'
import { type TestDriverOptions, type TestRecord, TopologyTestDriver } from '../../testing/topology-test-driver.ts'
import { notes } from '../../topology/notes/state.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { CHARACTERS, COMMANDS, createRecord, deletedRecord, discardRecord, SAGAS, STATUS } from '../contract/notes.ts'
import { AT_MS } from '../notes/records.ts'

/** What a process does until it has taken over its tasks is not counted. */
const APIS: ReadonlySet<MemoryApi> = new Set(['init-producer-id', 'txn-offset-commit', 'produce', 'end-txn', 'offsets'])

type Loss = 'before' | 'after' | 'refuse' | 'kill before' | 'kill after' | 'kill, store lost'

interface Outcome {
  readonly outputs: readonly string[]
  readonly state: readonly string[]
  readonly counters: readonly unknown[]
  readonly offsets: readonly number[]
}

/** Rounds of commands, each about the notes of those before it. Two tasks, each record at home, so that each is one sequence. */
async function run(
  options: TestDriverOptions,
  watch: (driver: TopologyTestDriver | undefined) => void,
): Promise<Outcome> {
  const driver = await TopologyTestDriver.start(noteTopology, { topicPartitions: 2, memoryBytesMax: 1_000, ...options })
  watch(driver)
  const characters = [1, 2, 3, 4, 5]
  const at = { timestampMs: AT_MS }
  const outputs: string[] = []
  const ids = new Map<number, number[]>()
  const round = async (records: (character: number) => readonly TestRecord[]): Promise<void> => {
    await driver.send(...characters.flatMap(records))
    await driver.drain()
    for (const text of outputsOf(driver)) {
      outputs.push(text)
      const { characterId, type, body } = JSON.parse(text.slice(text.indexOf('{')))
      if (type === 'CREATED') ids.set(characterId, [...(ids.get(characterId) ?? []), body.noteId])
    }
  }
  await round((character) => [createRecord(character, 'a', at), createRecord(character, 'b', at)])
  await round((character) => [
    discardRecord(character, ids.get(character)!.slice(0, 1), at),
    createRecord(character, 'c', at),
  ])
  await round((character) =>
    character < 4 ? [deletedRecord(character, { timestampMs: AT_MS + 1 })] : [createRecord(character, 'd', at)],
  )
  // Nothing happens from here on: a task that has nothing to do notices only with its next batch that its state is gone.
  watch(undefined)
  await round((character) => [
    createRecord(character, 'e', at),
    discardRecord(character, ids.get(character)!.slice(-2), at),
  ])
  const entries = await driver.state.entries(notes)
  const counters = await Promise.all([0, 1].map((task) => driver.counters(task)))
  const partitions = [0, 1].flatMap((partition) => [COMMANDS, CHARACTERS].map((topic) => ({ topic, partition })))
  const { offsets } = driver.world.kafka.group('test').offsets.fetch(partitions, true)
  await assertReplica(driver)
  await driver.close()
  return {
    outputs: outputs.sort(),
    state: entries.map((entry) => JSON.stringify(entry)),
    counters,
    offsets: offsets.map((o) => o.position),
  }
}

/** Everything of an output that a reader sees, but its offset: aborted attempts leave gaps. */
function outputsOf(driver: TopologyTestDriver): string[] {
  return [STATUS, SAGAS].flatMap((topic) =>
    driver.read(topic).map((record) => {
      const headers = record.headers.map(([name, value]) => `${name}=${value?.toString('hex')}`).join(' ')
      return `${topic}-${record.partition} ${record.timestampMs} ${record.key?.toString('hex')} ${headers} ${record.text}`
    }),
  )
}

/** The store is what the changelog says. */
async function assertReplica(driver: TopologyTestDriver): Promise<void> {
  const { plan, redis } = driver.world
  const reader = redis.reader(storeLayoutOf(plan.topology, plan.application))
  const folded = new Map<string, string>()
  const batches: number[][] = [[], []]
  for (const record of driver.read(plan.changelog.topic)) {
    const name = record.key!.toString()
    if (name === 'checkpoint') batches[record.partition]!.push(record.json.batch)
    else if (record.value === null) folded.delete(name)
    else folded.set(name, record.text)
  }
  // Never two owners of one batch, and none is missing.
  for (const numbers of batches) expect(numbers).toEqual(numbers.map((_, i) => i + 1))
  const stored = new Map<string, string | null>()
  for (let task = 0; task < plan.tasks; task++)
    for await (const { store, key, field, json } of reader.dump(task))
      stored.set(`${store}/${key}${field === null ? '' : `/${field}`}`, json)
  expect(Object.fromEntries(stored)).toEqual(Object.fromEntries(folded))
}

/** What becomes of the n-th request, counted over those of interest. */
function losing(
  n: number,
  loss: Loss,
  driver: () => TopologyTestDriver | undefined,
  count: { requests: number },
): KafkaFault {
  return ({ api, client }) => {
    const running = driver()
    if (client !== 'driver' || !APIS.has(api) || !running) return null
    if (count.requests++ !== n) return null
    switch (loss) {
      case 'refuse':
        return codes.NOT_COORDINATOR
      case 'kill before':
        running.crash()
        return 'before'
      case 'kill, store lost':
        running.crash({ storeLost: true })
        return 'before'
      case 'kill after':
        // It arrives, and there is nobody to hear the answer.
        queueMicrotask(() => running.crash())
        return null
      default:
        return loss
    }
  }
}

async function runLosing(n: number, loss: Loss): Promise<{ outcome: Outcome; requests: number }> {
  let driver: TopologyTestDriver | undefined
  const count = { requests: 0 }
  const outcome = await run({ kafkaFault: losing(n, loss, () => driver, count) }, (started) => {
    driver = started
  })
  return { outcome, requests: count.requests }
}

describe('one request to Kafka, whichever', () => {
  test.each(['before', 'after', 'refuse', 'kill before', 'kill after', 'kill, store lost'] as const)(
    '%s: nothing is lost or doubled',
    async (loss) => {
      const { outcome: clean, requests } = await runLosing(-1, loss)
      expect(requests).toBeGreaterThan(10)
      expect(clean.outputs.length).toBeGreaterThan(30)
      for (let n = 0; n < requests; n++) {
        const { outcome } = await runLosing(n, loss)
        expect(outcome.outputs, `request ${n}: outputs`).toEqual(clean.outputs)
        expect(outcome, `request ${n}`).toEqual(clean)
      }
    },
  )
})

describe('one command to the store, whichever', () => {
  async function runStore(
    n: number,
    loss: 'before' | 'after' | 'flush' | 'kill',
  ): Promise<{ outcome: Outcome; commands: number }> {
    let driver: TopologyTestDriver | undefined
    let commands = 0
    const storeFault: MemoryFault = () => {
      if (!driver || commands++ !== n) return null
      if (loss === 'flush') driver.world.redis.flush()
      else if (loss === 'kill') driver.crash()
      return loss === 'flush' ? null : loss === 'kill' ? 'before' : loss
    }
    const outcome = await run({ storeFault }, (started) => {
      driver = started
    })
    return { outcome, commands }
  }

  test.each(['before', 'after', 'flush', 'kill'] as const)('%s: nothing is lost or doubled', async (loss) => {
    const { outcome: clean, commands } = await runStore(-1, loss)
    expect(commands).toBeGreaterThan(5)
    for (let n = 0; n < commands; n++) {
      const { outcome } = await runStore(n, loss)
      expect(outcome.outputs, `command ${n}: outputs`).toEqual(clean.outputs)
      expect(outcome, `command ${n}`).toEqual(clean)
    }
  })
})
