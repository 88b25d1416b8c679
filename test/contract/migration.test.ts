/** State of a version without requests: the next version takes it over as it is, and back again it stops and says why. */
import { expect, onTestFinished, test } from 'vitest'
import type { Plan } from '../../engine/core/plan.ts'
import { TopologyTestDriver } from '../../testing/topology-test-driver.ts'
import { defineTopology, type Topology } from '../../topology/define.ts'
import { created, noteStatus } from '../../topology/notes/events.ts'
import { noteIdOf } from '../../topology/notes/ids.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { characterStatus, noteCommand } from '../../topology/notes/messages.ts'
import { requestKey, requests } from '../../topology/notes/request.ts'
import { sagaCommands } from '../../topology/notes/saga.ts'
import { noteOrder, noteSequence, notes, notesByTenant, ownerOf } from '../../topology/notes/state.ts'
import { type Tenant, tenantContext } from '../../topology/notes/tenant.ts'
import { timeOf } from '../../topology/notes/time.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { source } from '../../topology/sources.ts'
import { create, ofType, requestHeader, requestId, TENANT_A, tenantHeaders } from '../notes/records.ts'
import { commandRecord, createRecord, STATUS } from './notes.ts'

/** The note service as it was before it knew requests, as far as this test needs it. */
const former = defineTopology<Tenant>({
  name: 'notes',
  context: { read: tenantContext.read, write: tenantContext.write },
  sources: [
    source({
      topic: 'COMMAND_TOPIC_NOTE',
      decode: noteCommand,
      key: (command) => characterKey(command.characterId),
      on: {
        CREATE: {
          transform({ message, context: tenant, timestampMs }, state) {
            const sequence = state.counter(noteSequence)
            const noteId = noteIdOf(sequence, state)!
            const note = { ...message.body, time: timeOf(timestampMs) }
            return [
              noteSequence.set(sequence + 1),
              notes.put(ownerOf(tenant, message), noteId, note),
              created(message, noteId, note),
            ]
          },
        },
      },
    }),
    source({
      topic: 'EVENT_TOPIC_CHARACTER_STATUS',
      decode: characterStatus,
      key: (event) => characterKey(event.characterId),
      on: { DELETED: { transform: () => [] } },
    }),
  ],
  stores: [notes],
  counters: [noteSequence],
  indexes: [notesByTenant, noteOrder],
  sinks: [noteStatus, sagaCommands],
})

/** From the next restart on the process runs this topology on the same topics. */
function deploy(driver: TopologyTestDriver, topology: Topology): void {
  const world = driver.world as { plan: Plan }
  const sources = world.plan.sources.map((bound) => ({
    ...bound,
    source: topology.sources.find(({ topic }) => topic === bound.source.topic)!,
  }))
  world.plan = { ...world.plan, topology, sources }
}

const CHARACTER = 12

test.each([false, true])('what was there is there, and requests work; the store was lost: %s', async (storeLost) => {
  const driver = await TopologyTestDriver.start(former)
  onTestFinished(() => driver.close())
  await driver.send(createRecord(CHARACTER, 'before'))
  await driver.drain()
  const [before] = driver.read(STATUS)

  deploy(driver, noteTopology)
  await driver.restart({ storeLost })
  const headers = [...tenantHeaders(), requestHeader(requestId(1))]
  for (let i = 0; i < 2; i++) await driver.send(commandRecord(create(CHARACTER, 7), CHARACTER, { headers }))
  const byId = ofType('UPDATE', 0, { noteId: before!.json.body.noteId, message: 'after' })
  await driver.send(commandRecord(byId, 0, { headers: [...tenantHeaders(), requestHeader(requestId(2))] }))
  await driver.drain()
  const events = driver.read(STATUS).map(({ json }) => [json.type, json.characterId, json.body.message])
  expect(events.sort()).toEqual([
    ['CREATED', CHARACTER, 'hello'],
    ['UPDATED', CHARACTER, 'after'],
  ])
  const entries = [1, 2].map((id) => driver.state.value(requests, requestKey(TENANT_A, requestId(id))))
  expect((await Promise.all(entries)).map((entry) => entry?.status)).toEqual([201, 200])
  expect(driver.deadLetters()).toEqual([])
})

test('the version before stops at state that it does not know', async () => {
  const driver = await TopologyTestDriver.start(noteTopology)
  onTestFinished(() => driver.close())
  await driver.send(createRecord(CHARACTER))
  await driver.drain()
  deploy(driver, former)
  await expect(driver.restart()).rejects.toThrow('topology.incompatible')
  deploy(driver, noteTopology)
  await driver.restart()
})
