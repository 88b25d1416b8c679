/** `tributary offsets` against each stop code that it mends: the service stops with it, is mended, and goes on. */
import { Admin } from '@platformatic/kafka'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { position } from '../../engine/core/numbers.ts'
import { CliWorld, create, TASKS } from './cli-support.ts'

let world: CliWorld

beforeEach(async () => {
  world = await CliWorld.open()
  await world.start()
})

afterEach(() => world.close())

const partitions = Array.from({ length: TASKS }, (_, partition) => partition)

async function commit(at: number): Promise<void> {
  const admin = world.kafka.groupAdmin(world.application)
  const topic = world.config.COMMAND_TOPIC_NOTE
  const answers = await admin.commit(partitions.map((partition) => ({ topic, partition, position: position(at) })))
  await admin.close()
  expect(answers.map(({ code }) => code)).toEqual(partitions.map(() => 0))
}

/** Messages of all notes there are, in order of the id. */
async function messages(): Promise<string[]> {
  const found: { noteId: number; note: { message: string } }[] = []
  for (const character of CHARACTERS)
    found.push(...(await world.json('state', 'get', 'character', String(character))).value.notes)
  return found.map(({ note }) => note.message).sort()
}

/** Two at home in each partition. */
const CHARACTERS = [1, 2, 4, 8]
const four = (name: string) => CHARACTERS.map((character) => create(character, 99, `${name} ${character}`))
const named = (...names: string[]) =>
  names.flatMap((name) => CHARACTERS.map((character) => `${name} ${character}`)).sort()
const sendEverywhere = async (name: string) => {
  const [a, b, c, d] = four(name)
  await world.send([a, b], { partition: 0 })
  await world.send([c, d], { partition: 1 })
}

test('offsets.missing and offsets.mismatch: restore', async () => {
  await sendEverywhere('first')
  await world.settled()
  await world.stop()
  const before = (await world.json('offsets', 'show')).value

  const admin = new Admin({ clientId: 'it', bootstrapBrokers: world.config.BOOTSTRAP_SERVERS.split(',') })
  await admin.deleteGroups({ groups: [world.application] })
  await admin.close()
  await world.startsAndStopsWith('offsets.missing')
  const missing = await world.json('offsets', 'show')
  expect(missing.exit).toBe(1)
  expect(missing.value.partitions.map(({ state }: { state: string }) => state)).toEqual(Array(6).fill('missing'))

  const dry = await world.json('offsets', 'restore')
  expect(dry).toMatchObject({ exit: 0, value: { written: false, refused: [], checkpoints: [] } })
  expect(dry.value.changes).toHaveLength(6)
  expect((await world.cli('offsets', 'restore')).out).toMatch(/nothing was written: add --execute$/m)
  expect((await world.json('offsets', 'show')).value).toEqual(missing.value)
  for (const action of ['adopt', 'earliest']) expect((await world.cli('offsets', action)).out).toBe('nothing to do\n')

  expect(await world.json('offsets', 'restore', '--execute')).toMatchObject({ exit: 0, value: { written: true } })
  expect((await world.json('offsets', 'show')).value).toEqual(before)
  await world.start()
  await sendEverywhere('second')
  await world.settled()
  expect(await messages()).toEqual(named('first', 'second'))
  await world.stop()

  await commit(1)
  await world.startsAndStopsWith('offsets.mismatch')
  expect((await world.cli('offsets', 'restore', '--execute')).out).toMatch(/written$/m)
  await world.start()
  await sendEverywhere('third')
  await world.settled()
  expect(await messages()).toEqual(named('first', 'second', 'third'))
})

test('offsets.foreign: adopt goes on from them', async () => {
  await world.stop()
  await sendEverywhere('before')
  await commit(2)
  await world.startsAndStopsWith('offsets.foreign')
  const shown = await world.json('offsets', 'show')
  expect(shown.exit).toBe(1)
  const states = shown.value.partitions.map(({ state }: { state: string }) => state)
  expect(states.toSorted()).toEqual(['foreign', 'foreign', 'none', 'none', 'none', 'none'])
  expect((await world.json('offsets', 'adopt')).value).toMatchObject({ written: false, changes: [] })
  const { value } = await world.json('offsets', 'adopt', '--execute')
  const topic = world.config.COMMAND_TOPIC_NOTE
  expect(value.checkpoints).toEqual(partitions.map((task) => ({ task, positions: { [topic]: { [task]: 2 } } })))
  expect(value.written).toBe(true)
  expect((await world.cli('offsets', 'adopt', '--execute')).out).toBe('nothing to do\n')
  await world.start()
  await sendEverywhere('after')
  await world.settled()
  expect(await messages()).toEqual(named('after'))
  expect((await world.cli('verify')).exit).toBe(0)
})

test('offsets.foreign: earliest begins anew', async () => {
  await world.stop()
  await sendEverywhere('before')
  await commit(2)
  await world.startsAndStopsWith('offsets.foreign')
  const { value } = await world.json('offsets', 'earliest', '--execute')
  expect(value).toMatchObject({ written: true, refused: [] })
  await world.start()
  await sendEverywhere('after')
  await world.settled()
  expect(await messages()).toEqual(named('before', 'after'))
  expect((await world.cli('verify')).exit).toBe(0)
})

test('an offset outside the log is refused, and nothing is written', async () => {
  await world.stop()
  await commit(2) // the log is empty
  const { exit, value } = await world.json('offsets', 'adopt', '--execute')
  expect(exit).toBe(1)
  expect(value.written).toBe(false)
  expect(value.refused[0]).toMatch(/offset 2 is outside its log, which has 0 to 0$/)
  expect(
    (await world.json('offsets', 'show')).value.partitions.every((at: { changelog: null }) => at.changelog === null),
  ).toBe(true)
})

test('a source that was deleted: show and verify say with which stop a service would meet its offsets', async () => {
  await sendEverywhere('before')
  await world.settled()
  await world.stop()
  const topic = world.config.COMMAND_TOPIC_NOTE
  const admin = new Admin({ clientId: 'operator', bootstrapBrokers: [world.config.BOOTSTRAP_SERVERS] })
  await admin.deleteTopics({ topics: [topic] })
  await admin.close()
  const isGone = ({ topic: of }: { topic: string }) => of === topic
  await expect
    .poll(
      async () => {
        const { value } = await world.json('offsets', 'show')
        return value.partitions.filter(isGone).map(({ state }: { state: string }) => state)
      },
      { timeout: 20_000 },
    )
    .toEqual(partitions.map(() => 'recreated'))
  const { exit, value } = await world.json('verify')
  expect(exit).toBe(1)
  expect(value.tasks.flatMap(({ listed }: { listed: readonly object[] }) => listed)).toEqual(
    partitions.map((at) => ({
      kind: 'offset',
      what: `${topic}-${at}`,
      expected: '2',
      found: expect.stringContaining('topic.recreated'),
    })),
  )
})
