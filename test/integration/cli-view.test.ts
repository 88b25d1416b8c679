/** What only looks: top, events, history, export; beside a service that runs. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from '../../cli/run.ts'
import { CliWorld, create, discard, eventually, TENANT_A, TENANT_B } from './cli-support.ts'

let world: CliWorld

beforeAll(async () => {
  world = await CliWorld.open()
  await world.start()
  await world.send([create(7, 9, 'one'), create(7, 8, 'two')])
  await world.send([create(7, 5, 'other tenant')], { tenant: TENANT_B })
  await world.settled()
  // From a partition that is not its home: the cause is where it was first read.
  await world.send([discard(7, [2, 4])], { partition: 0 })
  await world.settled()
})

afterAll(() => world.close())

/** A command that goes on, until it is interrupted. */
function going(...argv: string[]) {
  const controller = new AbortController()
  const run = { out: '', err: '', exit: -1 }
  const ended = runCli(argv, {
    env: world.env,
    out: (text) => {
      run.out += text
    },
    err: (text) => {
      run.err += text
    },
    runningStack: () => null,
    interrupted: () => controller.signal,
    terminal: () => (argv.includes('--json') ? null : terminal),
  }).then((exit) => {
    run.exit = exit
  })
  return {
    run,
    async interrupt() {
      controller.abort()
      await ended
      return run
    },
  }
}
let terminal: { columns: number; rows: number } | null = null

describe('top', () => {
  test('a line each time where there is no terminal; JSON lines with rates', async () => {
    const lines = going('top', '--interval', '1')
    const objects = going('top', '--interval', '1', '--json')
    await eventually(
      'two looks',
      async () => lines.run.out.split('\n').length > 2 && objects.run.out.split('\n').length > 2,
    )
    const { exit, out } = await lines.interrupt()
    expect(exit).toBe(0)
    expect(out).toMatch(/^\S+Z {2}- records\/s {2}lag 0 {2}transactions -\/s of [\d.]+ ms\n\S+Z {2}[\d.]+ records\/s/)
    const [first, second] = (await objects.interrupt()).out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(first).toMatchObject({ recordsPerSecond: null, instances: 1 })
    expect(second).toMatchObject({ recordsPerSecond: 0, lag: 0 })
    expect(second.tasks).toMatchObject([
      { task: 0, state: 'running', paused: false, instance: world.application },
      { task: 1, state: 'running' },
    ])
  })

  test('a terminal is drawn again, no larger than it is, and given back', async () => {
    terminal = { columns: 40, rows: 5 }
    const screen = going('top', '--interval', '1')
    await eventually('two screens', async () => screen.run.out.split('\u001b[H').length > 2)
    const { out } = await screen.interrupt()
    terminal = null
    expect(out.startsWith('\u001b[?1049h\u001b[?25l\u001b[H')).toBe(true)
    expect(out.endsWith('\u001b[?25h\u001b[?1049l')).toBe(true)
    const [, frame = ''] = out.split('\u001b[H')
    const lines = frame.replaceAll('\u001b[K', '').replaceAll('\u001b[J', '').split('\n')
    expect(lines.length).toBeLessThanOrEqual(4)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(40)
  })

  test('an instance that does not answer is left out', async () => {
    const { exit, out } = await world.cli('top', '--once', '--instance', 'http://127.0.0.1:9', '--json')
    expect(exit).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ instances: 0, tasks: [{ state: null }, { state: null }] })
  })
})

describe('events', () => {
  const types = (out: string) =>
    out
      .trim()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line).event.type)

  test('those there are, filtered', async () => {
    expect(types((await world.cli('events', '--json')).out)).toEqual([
      'CREATED',
      'CREATED',
      'CREATED',
      'DELETED',
      'DELETED',
    ])
    expect(types((await world.cli('events', '--json', '--tenant', TENANT_B.toUpperCase())).out)).toEqual(['CREATED'])
    expect(types((await world.cli('events', '--json', '--type', 'DELETED', '--character', '7')).out)).toHaveLength(2)
    expect((await world.cli('events', '--character', '8')).out).toBe('')
    expect((await world.cli('events')).out.split('\n')[0]).toMatch(
      new RegExp(`^\\S+Z ${world.config.EVENT_TOPIC_NOTE_STATUS}:1:0 ${TENANT_A} CREATED character 7 \\{`),
    )
  })

  test('those that come, from now on or from the beginning', async () => {
    const latest = going('events', '--follow', '--json', '--character', '20')
    const earliest = going('events', '--follow', '--from', 'earliest', '--json')
    await eventually('the old ones are there', async () => types(earliest.run.out).length >= 5)
    await eventually('a new one is seen', async () => {
      await world.send([create(20, 9, 'new'), create(21, 9, 'not asked for')])
      return types(latest.run.out).length > 0
    })
    const seen = await latest.interrupt()
    expect(seen).toMatchObject({ exit: 0, err: '' })
    expect(
      new Set(
        seen.out
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line).event.characterId),
      ),
    ).toEqual(new Set([20]))
    expect((await earliest.interrupt()).exit).toBe(0)
  })
})

describe('state', () => {
  test('history of a note: what it was, when, by which command', async () => {
    const { exit, value } = await world.json('state', 'history', 'note', '2')
    expect(exit).toBe(0)
    const topic = world.config.COMMAND_TOPIC_NOTE
    expect(value).toMatchObject({ task: 1, complete: true })
    expect(value.changes).toMatchObject([
      {
        tenantId: TENANT_A,
        characterId: 7,
        noteId: 2,
        note: { message: 'one', senderId: 9 },
        batch: 1,
        batchExact: true,
        cause: `${topic}-1@0`,
        command: { type: 'CREATE', traceparent: null },
      },
      { note: null, cause: `${topic}-0@0`, command: { type: 'DISCARD' } },
    ])
    expect((await world.cli('state', 'history', 'note', '2')).out).toMatch(/\(removed\) +\S+-0@0 +DISCARD/)
  })

  test('history of a character, by tenant, the newest; none', async () => {
    expect((await world.json('state', 'history', 'character', '7')).value.changes).toHaveLength(5)
    expect((await world.json('state', 'history', 'character', '7', '--tenant', TENANT_B)).value.changes).toMatchObject([
      { note: { message: 'other tenant' } },
    ])
    const newest = await world.json('state', 'history', 'character', '7', '--limit', '2')
    expect(newest.value).toMatchObject({ complete: false, changes: [{ note: null }, { note: null }] })
    expect(newest.err).toMatch(/there may be older changes/)
    expect((await world.json('state', 'history', 'note', '999')).exit).toBe(1)
  })

  test('export: a checkpoint and what is there, task by task; the same as what get finds', async () => {
    const { exit, out } = await world.cli('state', 'export', '--jsonl')
    expect(exit).toBe(0)
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const heads = lines.filter((line) => 'checkpoint' in line)
    expect(heads.map(({ task }) => task)).toEqual([0, 1])
    expect(lines[0]).toMatchObject({ task: 0, checkpoint: { batch: expect.any(Number) } })
    const other = lines.find(({ key }) => key === `${TENANT_B}:7`)
    expect(other).toEqual({
      task: 1,
      store: 'notes',
      key: `${TENANT_B}:7`,
      field: expect.any(String),
      value: expect.objectContaining({ message: 'other tenant' }),
    })
    const found = await world.json('state', 'get', 'character', '7')
    expect(lines.filter(({ store, key }) => store === 'notes' && key.endsWith(':7'))).toHaveLength(
      found.value.notes.length,
    )
    const one = await world.cli('state', 'export', '--task', '1')
    expect(
      one.out
        .trim()
        .split('\n')
        .every((line) => JSON.parse(line).task === 1),
    ).toBe(true)
    expect((await world.cli('state', 'export', '--task', '7')).exit).toBe(2)
  })
})
