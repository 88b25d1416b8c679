/**
 * What the real engine says to a real broker, and what it is answered, is accepted by the model: three processes, a
 * rebalance for each, one killed inside a transaction, recorded at the ports and said again to the model.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../engine/clock.ts'
import { internalTopics } from '../../engine/core/plan.ts'
import type { EngineEvent } from '../../engine/events.ts'
import { connectKafka } from '../../engine/kafka/kafka.ts'
import type { Kafka } from '../../engine/ports.ts'
import { prepare } from '../../engine/preparation.ts'
import { MemoryRedis } from '../../stores/memory.ts'
import { storeLayoutOf } from '../../stores/store-layout.ts'
import { Process } from '../../testing/process.ts'
import type { ScopedClock } from '../../testing/virtual-clock.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { Recording } from '../conformance/recording.ts'
import { replay } from '../conformance/replay.ts'
import { modelStage } from '../conformance/stage.ts'
import { CHARACTERS, COMMANDS, SAGAS, STATUS } from '../contract/notes.ts'
import { create, tenantHeaders } from '../notes/records.ts'
import { CommittedReader, produce } from '../support/kafka-records.ts'
import { testBootstrap } from '../support/stack.ts'

const TASKS = 3
const application = `it-trace-${randomBytes(4).toString('hex')}`
const named = Object.fromEntries([COMMANDS, CHARACTERS, STATUS, SAGAS].map((t) => [t, `${t}-${application}`]))
const patient = { timeout: 40_000, interval: 20 }

let kafka: Kafka
beforeAll(() => {
  kafka = connectKafka({ bootstrapServers: testBootstrap(), clientId: application })
})
afterAll(() => kafka.close())

function scoped(): ScopedClock {
  let isAlive = true
  const guarded = (run: () => void) => () => {
    if (isAlive) run()
  }
  return {
    nowMs: () => systemClock.nowMs(),
    elapsedMs: () => systemClock.elapsedMs(),
    after: (delayMs, run) => systemClock.after(delayMs, guarded(run)),
    soon: (run) => systemClock.soon(guarded(run)),
    random: () => systemClock.random(),
    kill: () => {
      isAlive = false
    },
  }
}

test('a run with a rebalance and a kill, said again to the model', { timeout: 120_000 }, async () => {
  const recording = new Recording()
  const redis = new MemoryRedis()
  const { plan, deleteRetentionMs } = await prepare(kafka, systemClock, () => {}, {
    topology: noteTopology,
    application,
    groupId: application,
    topicNames: named,
    topicPartitions: TASKS,
    createTopics: true,
    requireSpanContext: false,
    stride: null,
    patienceMs: 10_000,
  })
  const outputs = await CommittedReader.open(kafka, [named[STATUS]!])
  // What else writes is part of the conversation.
  const publisher = recording.connect('input', kafka).publisher()
  let sent = 0
  const send = async (count: number): Promise<void> => {
    const headers = tenantHeaders(randomUUID())
    for (let i = 0; i < count; i++, sent++) {
      const character = 1 + (sent % 7)
      const at = { topic: named[COMMANDS]!, partition: sent % TASKS, key: characterKey(character), headers }
      await produce(publisher, [{ ...at, value: JSON.stringify(create(character, 7, `m${sent}`)) }])
    }
  }
  let seen = 0
  const arrived = async (): Promise<void> => {
    await expect
      .poll(async () => {
        seen += (await outputs.poll()).length
        return seen
      }, patient)
      .toBe(sent)
  }
  const start = (name: string, onEvent: (event: EngineEvent) => void = () => {}): Process => {
    const process = new Process({
      name,
      clock: scoped(),
      kafka: recording.connect(name, kafka),
      stores: redis.stores(storeLayoutOf(noteTopology, application)),
      onEvent,
      // When the broker looks for transactions that have timed out is its own: the successor ends the dead one's.
      options: { plan, deleteRetentionMs, transactionTimeoutMs: 60_000 },
    })
    process.instance.start()
    return process
  }
  const states = (process: Process): string =>
    process
      .taskStates()
      .map(([, state]) => state)
      .join()

  const a = start('a')
  await send(20)
  await arrived()
  const b = start('b')
  await expect.poll(() => b.taskStates().length > 0 && /^(running,?)+$/.test(states(b)), patient).toBe(true)
  await send(20)
  await arrived()
  // Killed when its offsets are pending and its records are on their way.
  const killed = new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const last = recording.events.findLast(
        (e) => e.kind === 'call' && e.process === 'b' && e.client === 'transactionClient',
      )
      if (last?.kind !== 'call' || last.method !== 'produce') return
      clearInterval(timer)
      b.kill()
      resolve()
    }, 0)
  })
  const sending = send(60)
  await killed
  await sending
  await arrived()
  const c = start('c')
  await expect.poll(() => c.taskStates().length > 0 && /^(running,?)+$/.test(states(c)), patient).toBe(true)
  await send(10)
  await arrived()
  for (const process of [a, c]) await process.instance.close(5_000)
  expect([a.stop, c.stop]).toEqual([null, null])

  const model = modelStage({ clusterId: (await kafka.admin.cluster()).clusterId })
  for (const info of (
    await kafka.admin.topics([...Object.values(named), ...Object.values(internalTopics(application))])
  ).values())
    model.model.cluster.create({ topic: info.topic, partitions: info.partitions, replicationFactor: 1, configs: {} })
  const { compared, skipped, differences } = await replay(recording.events, model)
  const told = `compared ${JSON.stringify([...compared])}, not ${JSON.stringify([...skipped])}`
  process.stderr.write(`trace: ${told}\n`)
  expect(differences, told).toEqual([])
  const methods = ['initProducerId', 'txnOffsetCommit', 'endTxn', 'produce'].map((m) => `transactionClient.${m}`)
  expect([...compared.keys()]).toEqual(
    expect.arrayContaining([...methods, 'groupClient.sync', 'groupClient.heartbeat', 'transactions.fence']),
  )
  const total = [...compared.values()].reduce((a, b) => a + b, 0)
  expect([...skipped.values()].reduce((a, b) => a + b, 0)).toBeLessThan(total / 5)
  await outputs.close()
})
