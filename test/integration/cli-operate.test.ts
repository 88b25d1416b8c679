/** What changes a running application: pause and resume, restore, reset whole and broken off anywhere. */

import pino from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runCli } from '../../cli/run.ts'
import { connectKafkaOperator, type KafkaOperator } from '../../engine/kafka/operator.ts'
import type { Kafka } from '../../engine/ports.ts'
import { type ResetContext, reset } from '../../operations/reset.ts'
import { startService } from '../../service.ts'
import { kafkaOptions, preparationOf } from '../../service-options.ts'
import type { StoreAdmin } from '../../stores/ports.ts'
import { openStoreAdmin } from '../../stores/redis/admin.ts'
import { CliWorld, create, discard, eventually, TASKS } from './cli-support.ts'

let world: CliWorld

beforeEach(async () => {
  world = await CliWorld.open()
  await world.start()
})

afterEach(() => world.close())

/** Characters at home in either partition. */
const CHARACTERS = [1, 2, 4, 7, 8, 9]
let sent = 0
async function sendSome(name: string): Promise<void> {
  const commands = CHARACTERS.map((character) => create(character, 99, `${name} ${character}`))
  sent += commands.length
  await world.send(commands)
}

const lagOf = async (task: number): Promise<number> => {
  const { value } = await world.json('tasks')
  const { partitions } = value.tasks[task] as { partitions: { lag: number }[] }
  return partitions.reduce((sum, { lag }) => sum + lag, 0)
}

/** Everything that can be told of the state, for before and after. */
async function picture() {
  const offsets = (await world.json('offsets', 'show')).value
  const state = (await world.cli('state', 'export')).out
  // Labels, which come and go with their processes, are no state.
  const keys = (await world.redis.keys(`{${world.application}:*`)).filter((key) => !/:(lease|cards)$/.test(key)).sort()
  const hashes = await Promise.all(keys.filter((key) => key.endsWith(':task')).map((key) => world.redis.hgetall(key)))
  return { offsets, state, keys, hashes }
}

const readyz = async (): Promise<{ status: number; body: { paused?: number[] } }> => {
  const response = await fetch(`${new URL(world.service!.restUrl).origin}/readyz`)
  return { status: response.status, body: (await response.json()) as { paused?: number[] } }
}

describe('pause and resume', () => {
  test('under load: a paused task keeps its owner and takes nothing, also after a restart; then everything, once', async () => {
    let going = true
    const load = (async () => {
      while (going) await sendSome('load')
    })()
    await eventually('something is processed', async () => (await world.json('tasks')).value.tasks[1].batch > 0)
    const { exit, value } = await world.json('pause', '--partition', '1')
    expect(exit).toBe(0)
    expect(value.tasks).toMatchObject([{ task: 1, changed: true, pause: { by: expect.any(String) } }])
    await eventually('readyz tells', async () => (await readyz()).body.paused?.[0] === 1)
    expect((await readyz()).status).toBe(200)
    // What was on its way is done by then.
    const lag = await lagOf(1)
    await eventually('lag grows on the paused task', async () => (await lagOf(1)) > lag + 100)
    const batch = async () => (await world.json('tasks')).value.tasks[1].batch
    const before = await batch()
    const other = (await world.json('tasks')).value.tasks[0].batch
    await eventually('the other goes on', async () => (await world.json('tasks')).value.tasks[0].batch > other + 3)
    expect(await batch()).toBe(before)
    const shown = (await world.json('tasks')).value.tasks[1]
    expect(shown).toMatchObject({
      lease: world.service!.instance.transactionalId,
      paused: { since: expect.any(String) },
    })
    expect((await world.cli('tasks')).out).toMatch(/^ +1 .* yes +held/m)
    expect((await world.cli('top', '--once')).out).toMatch(/^ +1 +paused /m)
    const metrics = async () => (await fetch(`${new URL(world.service!.restUrl).origin}/metrics`)).text()
    expect(await metrics()).toMatch(/topology_task_paused\{partition="1",.*\} 1\n/)
    expect(await metrics()).toMatch(/topology_task_paused\{partition="0",.*\} 0\n/)
    const lagGauge = new RegExp(
      `topology_consumer_lag_records\\{topic="${world.config.COMMAND_TOPIC_NOTE}",partition="1",.*\\} (\\d+)`,
    )
    // The end of a paused partition is looked at once a second.
    await eventually('its own lag grows', async () => Number(lagGauge.exec(await metrics())?.[1]) > 50)
    going = false
    await load

    await world.stop()
    await world.start()
    await eventually('it is paused again', async () => (await readyz()).body.paused?.[0] === 1)
    expect(await batch()).toBe(before)
    expect((await world.json('pause', '--partition', '1')).value.tasks).toMatchObject([{ changed: false }])

    expect((await world.json('resume')).value.tasks).toEqual([
      { task: 0, pause: null, changed: false },
      { task: 1, pause: null, changed: true },
    ])
    await world.settled()
    expect((await readyz()).body.paused).toBeUndefined()
    const events = (await world.cli('events', '--json', '--type', 'CREATED')).out.trim().split('\n')
    expect(events).toHaveLength(sent)
    expect(new Set(events.map((line) => JSON.parse(line).event.body.noteId)).size).toBe(sent)
    expect((await world.cli('verify')).exit).toBe(0)
  })

  test('there is no such task: exit 2', async () => {
    expect((await world.cli('pause', '--partition', '9')).exit).toBe(2)
  })
})

describe('restore', () => {
  test('a dry run changes nothing; then the owner rebuilds what was changed by hand', async () => {
    await sendSome('a')
    await world.settled()
    const before = await picture()
    const dry = await world.json('restore', '--partition', '1')
    expect(dry).toMatchObject({ exit: 0, value: { execute: false, removed: false, running: true, rebuilt: null } })
    expect(await picture()).toEqual(before)

    const version = dry.value.version as string
    const key = before.keys.find((name) => name.startsWith(`{${world.application}:1}:${version}:notes:`))!
    const [field] = await world.redis.hkeys(key)
    await world.redis.hset(key, field!, '{"by":"hand"}')
    expect((await world.cli('verify')).exit).toBe(1)
    const { exit, value } = await world.json('restore', '--partition', '1', '--execute')
    expect(exit).toBe(0)
    expect(value).toMatchObject({ removed: true, rebuilt: { batch: dry.value.batch } })
    expect(value.rebuilt.version).not.toBe(version)
    expect((await world.cli('verify')).exit).toBe(0)
    expect((await picture()).state).toBe(before.state)
  })

  test('with nobody running it says that the next owner does it, and it does', async () => {
    await sendSome('a')
    await world.settled()
    const { state } = await picture()
    await world.stop()
    const { exit, out } = await world.cli('restore', '--partition', '0', '--execute')
    expect(exit).toBe(0)
    expect(out).toMatch(/nobody runs: the next owner rebuilds it$/m)
    await world.start()
    expect((await world.cli('verify')).exit).toBe(0)
    expect((await picture()).state).toBe(state)
  })
})

describe('reset', () => {
  async function messages(): Promise<string[]> {
    const lines = (await world.cli('state', 'export')).out.trim().split('\n')
    return lines
      .map((line) => JSON.parse(line) as { store?: string; value?: { message: string } })
      .flatMap(({ store, value }) => (store === 'notes' ? [value!.message] : []))
      .sort()
  }
  const named = (...names: string[]) => names.flatMap((name) => CHARACTERS.map((at) => `${name} ${at}`)).sort()

  test('refused while there are members; a dry run changes nothing', async () => {
    await sendSome('a')
    await world.settled()
    const before = await picture()
    const refused = await world.json('reset', '--execute')
    expect(refused).toMatchObject({ exit: 1, value: { executed: false } })
    expect(refused.value.refused[0]).toMatch(/has an active member/)
    expect(await picture()).toEqual(before)
    await world.stop()
    const dry = await world.json('reset')
    expect(dry).toMatchObject({ exit: 0, value: { executed: false, refused: [] } })
    expect(dry.value.steps).toHaveLength(4)
    expect(await picture()).toMatchObject({ offsets: before.offsets, state: before.state, keys: before.keys })
  })

  test('to the start: the same commands give the same state again', async () => {
    await sendSome('a')
    await world.send([discard(7, [1, 2])])
    await sendSome('b')
    await world.settled()
    const before = (await messages()).join()
    await world.stop()
    await world.json('pause', '--partition', '0')
    const { exit, value, err } = await world.json('reset', '--execute')
    expect({ exit, executed: value.executed }).toEqual({ exit: 0, executed: true })
    expect(err.trim().split('\n')).toEqual(value.steps)
    // But for the pause nothing of it is left.
    expect(await world.redis.keys(`{${world.application}:*`)).toEqual([`{${world.application}:0}:paused`])
    expect((await world.json('reset')).value.steps).toEqual([])
    expect((await world.cli('reset', '--execute')).out).toBe('nothing to do\n')
    await world.json('resume').catch(() => null)
    await world.redis.del(`{${world.application}:0}:paused`)
    await world.start()
    await world.settled()
    expect((await messages()).join()).toBe(before)
    expect((await world.cli('verify')).exit).toBe(0)
    const events = (await world.cli('events', '--json', '--type', 'CREATED')).out.trim().split('\n')
    expect(events).toHaveLength(2 * 2 * CHARACTERS.length)
  })

  test('an application that is not there is refused, and the group that it names is left alone', async () => {
    await sendSome('a')
    await world.settled()
    await world.stop()
    const before = await picture()
    const mistyped = { ...world.env, APPLICATION_ID: 'mistyped' }
    for (const options of [[], ['--execute'], ['--to-latest', '--execute'], ['--dead-letters', '--execute']]) {
      let err = ''
      const say = (text: string): void => {
        err += text
      }
      const exit = await runCli(['reset', ...options], { env: mistyped, out: say, err: say, runningStack: () => null })
      expect({ exit, err }).toEqual({
        exit: 2,
        err: expect.stringMatching(/^deployment\.missing: .*mistyped-changelog/),
      })
    }
    expect(await picture()).toEqual(before)
  })

  test.each(['earliest', 'latest'] as const)('to %s, with the dead letters: they go last', async (to) => {
    await sendSome('a')
    await world.settled()
    await world.stop()
    const options = to === 'latest' ? ['--to-latest', '--dead-letters'] : ['--dead-letters']
    const { value } = await world.json('reset', ...options, '--execute')
    expect(value.steps.at(-1)).toBe(`delete topic ${world.application}-dead-letters`)
    const again = await world.cli('reset', ...options)
    if (to === 'earliest') expect(again.err).toMatch(/^deployment\.missing/)
    await world.start()
    await sendSome('b')
    await world.settled()
  })

  test('to the end: what was sent before does not count', async () => {
    await sendSome('a')
    await world.settled()
    await world.stop()
    await sendSome('skipped')
    const { exit, value } = await world.json('reset', '--to-latest', '--execute')
    expect({ exit, executed: value.executed }).toEqual({ exit: 0, executed: true })
    await world.start()
    await sendSome('after')
    await world.settled()
    expect(await messages()).toEqual(named('after'))
    expect((await world.cli('verify')).exit).toBe(0)
  })

  describe.each(['earliest', 'latest'] as const)('to %s, broken off', (to) => {
    test('before each step: nothing runs as if it were whole, and the same command ends it', async () => {
      await sendSome('a')
      await world.settled()
      await world.stop()
      const operator = connectKafkaOperator(kafkaOptions(world.config))
      const admin = openStoreAdmin({ url: world.config.REDIS_URL, application: world.application, instance: 'test' })
      try {
        const full = await reset(contextOf(world.kafka, operator, admin), { to, deadLetters: false, execute: false })
        const begun = full.steps.length
        expect(begun).toBeGreaterThan(3)
        for (let at = 1; at < begun; at++) {
          const context = contextOf(world.kafka, operator, admin)
          // Else the ends are where the offsets are, and nothing has changed behind the first step.
          if (to === 'latest') await sendSome('skipped')
          const steps = await breakingOff(context, to, at)
          await expectNotRunning(`${to} broken off before step ${at + 1}: ${steps[at]}`)
          // The next round begins with a reset that is whole, and state again.
          await reset(context, { to, deadLetters: false, execute: true })
          await world.start()
          await sendSome(`round ${at}`)
          await world.settled()
          expect((await world.cli('verify')).exit).toBe(0)
          await world.stop()
        }
        await reset(contextOf(world.kafka, operator, admin), { to, deadLetters: true, execute: true })
        await world.start()
        await sendSome('last')
        await world.settled()
        const found = await messages()
        if (to === 'latest') expect(found).toEqual(named('last'))
        else expect(found).toHaveLength(CHARACTERS.length * (begun + 1))
      } finally {
        await Promise.all([operator.close(), admin.close()])
      }
    })
  })

  const contextOf = (kafka: Kafka, operator: KafkaOperator, admin: StoreAdmin): ResetContext => ({
    kafka,
    operator,
    admin,
    options: preparationOf(world.config),
  })

  /** Executes the first `count` steps, then dies. */
  async function breakingOff(
    context: ResetContext,
    to: 'earliest' | 'latest',
    count: number,
  ): Promise<readonly string[]> {
    const steps: string[] = []
    const died = new Error('died')
    await expect(
      reset(context, {
        to,
        deadLetters: false,
        execute: true,
        step: (what) => {
          if (steps.length === count) throw died
          steps.push(what)
        },
      }),
    ).rejects.toBe(died)
    const { steps: left } = await reset(context, { to, deadLetters: false, execute: false })
    expect(left.length).toBeGreaterThan(0)
    return [...steps, ...left]
  }

  /** The start is refused, or every task that has something to lose stops. */
  async function expectNotRunning(when: string): Promise<void> {
    let service: Awaited<ReturnType<typeof startService>> | null = null
    try {
      service = await startService(world.config, pino({ level: 'silent' }))
    } catch (error) {
      expect((error as { code: string }).code, when).toBe('topic.internal_missing')
      return
    }
    const reasons = (): readonly string[] => service!.health.readiness().reasons
    await eventually(
      `${when}: every task stops`,
      async () => reasons().filter((reason) => /stopped \((state|offsets)\./.test(reason)).length === TASKS,
      () => reasons().join('; '),
    )
    await service.close()
  }
})
