/**
 * Every stop code whose remedy names a command: the service stops with it, the command is taken from the remedy's text and
 * run as it stands, and the service goes on. A remedy without a scene here fails, and a scene without a remedy, too.
 */
import { mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Admin } from '@platformatic/kafka'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startKafka } from '../../embedded/kafka.ts'
import { NO_HEADERS } from '../../engine/core/headers.ts'
import { partitionFor } from '../../engine/core/murmur2.ts'
import { position } from '../../engine/core/numbers.ts'
import { internalTopics } from '../../engine/core/plan.ts'
import { connectKafkaOperator } from '../../engine/kafka/operator.ts'
import { PLAIN_STAMP, RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import { kafkaOptions } from '../../service-options.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { namedCommands, wordsOf } from '../support/remedies.ts'
import { CliWorld, create, eventually, TASKS } from './cli-support.ts'

let world: CliWorld

const partitions = Array.from({ length: TASKS }, (_, partition) => partition)
/** Two at home in each partition, so that whatever is sent adds two offsets to each. */
const CHARACTERS = partitions.flatMap((partition) =>
  Array.from({ length: 32 }, (_, i) => i + 1)
    .filter((character) => partitionFor(characterKey(character), TASKS) === partition)
    .slice(0, 2),
)
const named = (...names: string[]) =>
  names.flatMap((name) => CHARACTERS.map((character) => `${name} ${character}`)).sort()
/** Four commands to their homes; no records of the repartition topic come of it. */
const send = (name: string) => world.send(CHARACTERS.map((character) => create(character, 99, `${name} ${character}`)))

async function messages(): Promise<string[]> {
  const found: { note: { message: string } }[] = []
  for (const character of CHARACTERS)
    found.push(...(await world.json('state', 'get', 'character', String(character))).value.notes)
  return found.map(({ note }) => note.message).sort()
}

const everywhere = (topic: string, at: number) =>
  partitions.map((partition) => ({ topic, partition, position: position(at) }))
const input = () => world.config.COMMAND_TOPIC_NOTE

async function commit(at: number): Promise<void> {
  const admin = world.kafka.groupAdmin(world.application)
  // Refused until the group has let its last member go.
  await eventually(`${at} is committed`, async () =>
    (await admin.commit(everywhere(input(), at))).every(({ code }) => code === 0),
  )
  await admin.close()
}

async function operated<T>(work: (operator: ReturnType<typeof connectKafkaOperator>) => Promise<T>): Promise<T> {
  const operator = connectKafkaOperator(kafkaOptions(world.config))
  try {
    return await work(operator)
  } finally {
    await operator.close()
  }
}

const deleteTopic = (topic: string) =>
  operated(async (operator) => {
    await operator.deleteTopics([topic])
    await eventually(`${topic} is gone`, async () => (await operator.topics([topic])).get(topic)?.code === 3)
  })

async function createTopic(topic: string, replicas = 1): Promise<void> {
  const codes = await world.kafka.admin.createTopics([
    { topic, partitions: TASKS, replicationFactor: replicas, configs: {} },
  ])
  expect(codes.get(topic)).toBe(0)
}

async function setPolicy(topic: string, value: string): Promise<void> {
  const admin = new Admin({ clientId: 'it', bootstrapBrokers: [world.config.BOOTSTRAP_SERVERS] })
  const configs = [{ name: 'cleanup.policy', configOperation: 0 as const, value }]
  await admin.incrementalAlterConfigs({
    resources: [{ resourceType: 2, resourceName: topic, configs }],
    validateOnly: false,
  })
  await admin.close()
  await eventually(
    `cleanup.policy of ${topic} is ${value}`,
    async () => (await world.kafka.admin.configs(topic)).get('cleanup.policy') === value,
  )
}

const startRefused = async (code: string) => {
  await expect(world.start()).rejects.toMatchObject({ code })
}

interface Scene {
  /** Breaks what runs, with `first` processed; afterwards nothing runs and the next start stops with the code. */
  readonly breaks: () => Promise<void>
  readonly stops: () => Promise<void>
  /** What the state has after the remedy, a start and `second`. */
  readonly leads: readonly string[]
}

const internalMissing = {
  breaks: async () => {
    await world.stop()
    await deleteTopic(internalTopics(world.application).repartition)
  },
  stops: () => startRefused('topic.internal_missing'),
}
const recreated = {
  breaks: async () => {
    await world.stop()
    await deleteTopic(input())
    await createTopic(input())
  },
  stops: () => world.startsAndStopsWith('topic.recreated'),
}
/** The group's offsets and no state: another service ran in it. */
const foreignOffsets = {
  breaks: async () => {
    await world.stop()
    const { changelog, repartition } = internalTopics(world.application)
    await deleteTopic(changelog)
    await deleteTopic(repartition)
    await world.redis.del(await world.redis.keys(`{${world.application}:*`))
  },
  stops: () => world.startsAndStopsWith('offsets.foreign'),
}

const renamed = {
  breaks: async () => {
    await world.stop()
    const changed = { COMMAND_TOPIC_NOTE: `${input()}-renamed` }
    await createTopic(changed.COMMAND_TOPIC_NOTE)
    Object.assign(world.config, changed)
    Object.assign(world.env, changed)
  },
  stops: () => world.startsAndStopsWith('source.removed'),
}
const groupChanged = {
  breaks: async () => {
    await world.stop()
    const changed = { KAFKA_CONSUMER_GROUP: `${world.application}-other` }
    Object.assign(world.config, changed)
    Object.assign(world.env, changed)
  },
  stops: () => startRefused('group.changed'),
}

const changelogDeleted = {
  breaks: async () => {
    await world.stop()
    await deleteTopic(internalTopics(world.application).changelog)
  },
  stops: () => world.startsAndStopsWith('state.foreign'),
}

/** By code, and by the command as the remedy has it. */
const SCENES: Readonly<Record<string, Readonly<Record<string, Scene>>>> = {
  'topic.internal_missing': {
    'offsets skip --execute': { ...internalMissing, leads: ['first', 'second'] },
    'reset --execute': { ...internalMissing, leads: ['first', 'second'] },
  },
  'topic.recreated': {
    'offsets skip --execute': { ...recreated, leads: ['first', 'second'] },
    'reset --execute': { ...recreated, leads: ['second'] },
  },
  'source.removed': {
    'offsets skip --execute': { ...renamed, leads: ['first', 'second'] },
  },
  'state.foreign': {
    'changelog rewrite --execute': { ...changelogDeleted, leads: ['first', 'second'] },
    'reset --execute': { ...changelogDeleted, leads: ['first', 'second'] },
  },
  'changelog.foreign': {
    'changelog rewrite --anyway --execute': {
      breaks: async () => {
        await world.stop()
        const publisher = world.kafka.publisher()
        const { changelog: topic } = internalTopics(world.application)
        const answers = await publisher.publish(
          partitions.map((partition) => {
            const builder = new RecordBatchBuilder()
            builder.add(Date.now(), Buffer.from('stranger'), 'not ours', NO_HEADERS)
            return { topic, partition, bytes: builder.finish(PLAIN_STAMP) }
          }),
        )
        await publisher.close()
        expect(answers.every(({ code }) => code === 0)).toBe(true)
      },
      stops: () => world.startsAndStopsWith('changelog.foreign'),
      leads: ['first', 'second'],
    },
  },
  'group.changed': {
    'offsets restore --execute': { ...groupChanged, leads: ['first', 'second'] },
    'reset --execute': { ...groupChanged, leads: ['first', 'second'] },
  },
  'changelog.cut': {
    'reset --execute': {
      breaks: async () => {
        await world.stop()
        const { changelog } = internalTopics(world.application)
        await setPolicy(changelog, 'delete')
        // Refused until the broker has heard of the policy.
        await eventually('records of the changelog are deleted', async () =>
          (await world.kafka.admin.deleteRecords(everywhere(changelog, 1))).every(({ code }) => code === 0),
        )
        await setPolicy(changelog, 'compact')
        await world.redis.del(await world.redis.keys(`{${world.application}:*`))
      },
      stops: () => world.startsAndStopsWith('changelog.cut'),
      leads: ['first', 'second'],
    },
  },
  'offset.out_of_range': {
    'offsets skip --execute': {
      breaks: async () => {
        await world.stop()
        await send('lost')
        await world.kafka.admin.deleteRecords(everywhere(input(), 4))
      },
      stops: () => world.startsAndStopsWith('offset.out_of_range'),
      leads: ['first', 'second'],
    },
  },
  'offsets.missing': {
    'offsets restore --execute': {
      breaks: async () => {
        await world.stop()
        await operated((operator) =>
          eventually('the group is gone', async () => (await operator.deleteGroup(world.application)) === 0),
        )
      },
      stops: () => world.startsAndStopsWith('offsets.missing'),
      leads: ['first', 'second'],
    },
  },
  'offsets.mismatch': {
    'offsets restore --execute': {
      breaks: async () => {
        await world.stop()
        await commit(1)
      },
      stops: () => world.startsAndStopsWith('offsets.mismatch'),
      leads: ['first', 'second'],
    },
  },
  'offsets.foreign': {
    'offsets adopt --execute': { ...foreignOffsets, leads: ['second'] },
    'offsets earliest --execute': { ...foreignOffsets, leads: ['first', 'second'] },
  },
}

/** What those who only look call it that the engine stops with. */
const STATES: Readonly<Record<string, string>> = {
  'offsets.missing': 'missing',
  'offsets.foreign': 'foreign',
  'offsets.mismatch': 'mismatch',
  'source.removed': 'removed',
  'topic.recreated': 'recreated',
}

async function saysTheSame(code: string): Promise<void> {
  const state = STATES[code]
  if (state === undefined) return
  const { exit, value } = await world.json('offsets', 'show')
  const states = value.partitions.map((at: { state: string }) => at.state).filter((at: string) => !GOOD.has(at))
  expect([exit, ...new Set(states)]).toEqual([1, state])
  expect((await world.cli('verify')).exit).toBe(1)
}
const GOOD: ReadonlySet<string> = new Set(['ok', 'none', 'new'])

/** Follows what is written: with the service stopped, the command, then a start. */
async function follow(text: string, leads: readonly string[], values = {}): Promise<void> {
  const { exit, out, err } = await world.cli(...wordsOf(text, values))
  expect({ exit, out }, err).toEqual({ exit: 0, out: expect.stringMatching(/(written|done)\n$/) })
  await world.start()
  await send('second')
  await world.settled()
  expect(await messages()).toEqual(named(...leads))
  expect((await world.cli('verify')).exit).toBe(0)
  expect((await world.cli('offsets', 'show')).exit).toBe(0)
}

interface Damage {
  /** The last batch of its partitions is damaged. */
  readonly topic: () => Promise<string>
  /** What the command asks of its operator; once for each run of it. */
  readonly values: (topic: string) => readonly Readonly<Record<string, string | number>>[]
}

const DAMAGES: ReadonlyMap<string, Damage> = new Map([
  [
    'input.corrupt',
    {
      topic: async () => {
        await send('damaged')
        return input()
      },
      // The batch of both records that were sent at once begins at 2, as kafka-dump-log.sh tells.
      values: (topic: string) => partitions.map((partition) => ({ topic, partition, offset: 4 })),
    },
  ],
  ['changelog.corrupt', { topic: async () => internalTopics(world.application).changelog, values: () => [{}] }],
])

test('there is a scene for every command of a remedy, and no other', () => {
  // Those of a damaged log need a broker of their own: below.
  const scenes = Object.entries(SCENES).flatMap(([code, of]) => Object.keys(of).map((text) => `${code}: ${text}`))
  const texts = namedCommands.filter(({ code }) => !DAMAGES.has(code)).map(({ code, text }) => `${code}: ${text}`)
  expect(texts.toSorted()).toEqual(scenes.toSorted())
})

describe('on the shared servers', () => {
  beforeEach(async () => {
    world = await CliWorld.open()
    await world.start()
    await send('first')
    await world.settled()
  })
  afterEach(() => world.close())

  const followed = namedCommands.filter(({ code }) => !DAMAGES.has(code))
  test.each(followed.map(({ code, text }) => [code, text] as const))('%s: tributary %s', async (code, text) => {
    const scene = SCENES[code]![text]!
    await scene.breaks()
    await scene.stops()
    await saysTheSame(code)
    // As it stands, but for the last word: the dry run changes nothing.
    const dry = await world.cli(...wordsOf(text).slice(0, -1))
    expect({ ...dry, out: dry.out.split('\n').at(-2) }).toMatchObject({
      exit: 0,
      out: expect.stringMatching(/^nothing was (written|changed): add --execute$/),
    })
    await scene.stops()
    await follow(text, scene.leads)
  })

  test('offsets skip is refused while the service runs, and has nothing to do where nothing is lost', async () => {
    const before = (await world.json('offsets', 'show')).value
    const { exit, value } = await world.json('offsets', 'skip', '--execute')
    expect(exit).toBe(1)
    expect(value).toMatchObject({ written: false, changes: [], refused: [expect.stringContaining('active member')] })
    await world.stop()
    expect(await world.cli('offsets', 'skip', '--execute')).toMatchObject({ exit: 0, out: 'nothing to do\n' })
    expect((await world.json('offsets', 'show')).value).toEqual(before)
  })

  test('what operators did before by hand is mended by the same command', async () => {
    await internalMissing.breaks()
    await createTopic(internalTopics(world.application).repartition)
    await world.startsAndStopsWith('topic.recreated')
    await follow('offsets skip --execute', ['first', 'second'])
    await world.stop()

    await send('lost')
    await world.kafka.admin.deleteRecords(everywhere(input(), 6))
    await world.startsAndStopsWith('offset.out_of_range')
    await commit(6) // kafka-consumer-groups.sh --reset-offsets --to-earliest
    await world.startsAndStopsWith('offsets.mismatch')
    const { exit, out } = await world.cli('offsets', 'restore', '--execute')
    expect({ exit, out }).toEqual({
      exit: 1,
      out: expect.stringContaining('tributary offsets skip goes on with what is left'),
    })
    await send('third')
    await follow('offsets skip --execute', ['first', 'second', 'third', 'second'])
  })

  test('a source that is gone is created; the state goes on', async () => {
    await world.stop()
    await deleteTopic(input())
    const { value } = await world.json('offsets', 'skip', '--execute')
    expect(value).toMatchObject({ written: true, created: [input()] })
    await world.start()
    await send('second')
    await world.settled()
    expect(await messages()).toEqual(named('first', 'second'))
  })

  test('skipping forward by hand loses what was skipped, and never goes back', async () => {
    await world.stop()
    await send('skipped')
    const to = (offset: number) => partitions.map((partition) => `${input()}-${partition}@${offset}`)
    const back = await world.json('offsets', 'skip', '--to', ...to(1), '--execute')
    expect(back.value).toMatchObject({
      written: false,
      refused: [expect.stringMatching(/1 lies before 2/), expect.anything()],
    })
    const beyond = await world.json('offsets', 'skip', '--to', ...to(5), '--execute')
    expect(beyond.value).toMatchObject({
      written: false,
      refused: [expect.stringMatching(/5 is behind the end/), expect.anything()],
    })
    const unknown = await world.json('offsets', 'skip', '--to', 'nowhere-0@1')
    expect(unknown.value.refused).toEqual(['nowhere-0: no task with state reads it'])
    expect((await world.cli('offsets', 'skip', '--to', ...to(4), '--execute')).exit).toBe(0)
    await world.start()
    await send('second')
    await world.settled()
    expect(await messages()).toEqual(named('first', 'second'))
    expect((await world.cli('verify')).exit).toBe(0)
  })
})

describe('a damaged log, on a broker of its own', () => {
  const damaged = namedCommands.filter(({ code }) => DAMAGES.has(code))

  test.each(damaged.map(({ code, text }) => [code, text] as const))(
    '%s: tributary %s',
    {
      timeout: 180_000,
    },
    async (code, text) => {
      const folder = mkdtempSync(join(tmpdir(), 'tributary-corrupt-'))
      const kafka = await startKafka({ dataDir: folder, progress: () => {} })
      try {
        world = await CliWorld.open({ BOOTSTRAP_SERVERS: kafka.bootstrapServers })
        await world.start()
        await send('first')
        await world.settled()
        await world.stop()
        const damages = DAMAGES.get(code)!
        const topic = await damages.topic()
        for (const partition of partitions) damage(join(logOf(folder, topic, partition), '00000000000000000000.log'))
        await world.startsAndStopsWith(code)
        for (const values of damages.values(topic)) expect((await world.cli(...wordsOf(text, values))).exit).toBe(0)
        await world.start()
        await send('second')
        await world.settled()
        expect(await messages()).toEqual(named('first', 'second'))
        expect((await world.cli('verify')).exit).toBe(0)
      } finally {
        await world?.close()
        await kafka.stop()
        rmSync(folder, { recursive: true, force: true })
      }
    },
  )
})

const logOf = (folder: string, topic: string, partition: number): string =>
  join(folder, 'data', `${topic}-${partition}`)

/** Turns the last byte of the log over, behind the broker's back: the checksum of its last batch is wrong. */
function damage(file: string): void {
  const fd = openSync(file, 'r+')
  const bytes = Buffer.alloc(1024 * 1024)
  const length = readSync(fd, bytes, 0, bytes.length, 0)
  writeSync(fd, Buffer.from([bytes[length - 1]! ^ 0xff]), 0, 1, length - 1)
}
