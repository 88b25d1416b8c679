/** Every command but `offsets` and `verify`'s findings, against a service that runs. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CliWorld, create, TENANT_A, TENANT_B } from './cli-support.ts'

let world: CliWorld

beforeAll(async () => {
  world = await CliWorld.open()
  await world.start()
  await world.send(
    [1, 2, 3].flatMap((character) => [create(character, 9, `to ${character}`), create(character, 8, 'again')]),
  )
  await world.send([create(1, 7, 'other tenant')], { tenant: TENANT_B })
  // One of the two partitions is not its home.
  for (const partition of [0, 1]) await world.send([create(2, 6, `by partition ${partition}`)], { partition })
  await world.settled()
})

afterAll(() => world.close())

describe('tasks', () => {
  test('owner, offsets and lag of each', async () => {
    const { exit, value } = await world.json('tasks')
    expect(exit).toBe(0)
    expect(value).toMatchObject({ application: world.application, group: { id: world.application, state: 'Stable' } })
    expect(value.group.members).toHaveLength(1)
    expect(value.tasks).toHaveLength(2)
    const { transactionalId } = world.service!.instance
    for (const task of value.tasks) {
      expect(task).toMatchObject({ instance: world.application, transactionalId, lease: transactionalId })
      expect(task.checkpointOffset).toBeLessThan(task.changelogEnd)
      for (const at of task.partitions) expect(at).toMatchObject({ lag: 0, exact: true })
    }
    const committed = value.tasks.flatMap((task: { partitions: { topic: string; committed: number }[] }) =>
      task.partitions.filter(({ topic }) => topic === world.config.COMMAND_TOPIC_NOTE).map((at) => at.committed),
    )
    expect(committed.reduce((sum: number, at: number) => sum + at, 0)).toBe(9)
  })

  test('as a table', async () => {
    const { out } = await world.cli('tasks')
    expect(out).toMatch(/^group .*: Stable, 1 member$/m)
    expect(out).toMatch(/^TASK +PAUSED +LEASE +BATCH +CHECKPOINT +AGE +CHANGELOG END +LAG +OWNER$/m)
  })
})

describe('state get', () => {
  test('all notes of a character of a tenant', async () => {
    const { exit, value, err } = await world.json('state', 'get', 'character', '2', '--tenant', TENANT_A)
    expect(exit).toBe(0)
    expect(err).toBe('')
    const messages = value.notes.map(({ note }: { note: { message: string } }) => note.message)
    expect(messages.toSorted()).toEqual(['again', 'by partition 0', 'by partition 1', 'to 2'])
  })

  test('without a tenant: of every tenant, and it says that it looked through the task', async () => {
    const { value, err } = await world.json('state', 'get', 'character', '1')
    const found = value.notes.map(({ tenantId, note }: { tenantId: string; note: { message: string } }) => [
      tenantId,
      note.message,
    ])
    expect(found).toEqual([
      [TENANT_A, 'to 1'],
      [TENANT_A, 'again'],
      [TENANT_B, 'other tenant'],
    ])
    expect(err).toBe(`no --tenant: looked through all notes of task ${value.task}\n`)
  })

  test('a note by its id, with and without its tenant, and not with another', async () => {
    const { value } = await world.json('state', 'get', 'character', '1', '--tenant', TENANT_B)
    const id = String(value.notes[0].noteId)
    for (const more of [[], ['--tenant', TENANT_B.toUpperCase()]]) {
      const note = await world.json('state', 'get', 'note', id, ...more)
      expect(note.exit).toBe(0)
      expect(note.value).toEqual(value)
    }
    const other = await world.json('state', 'get', 'note', id, '--tenant', TENANT_A)
    expect(other).toMatchObject({ exit: 1, value: { notes: [] } })
  })

  test('nothing there: exit 1, nothing on stdout', async () => {
    for (const what of ['character', 'note']) {
      const { exit, out, err } = await world.cli('state', 'get', what, '4000000000')
      expect({ exit, out }).toEqual({ exit: 1, out: '' })
      expect(err).toMatch(/^no such notes?$/m)
    }
  })
})

describe('dead-letters list', () => {
  test('newest last, by reason, bounded', async () => {
    expect((await world.cli('dead-letters', 'list')).err).toBe('no dead letters\n')
    await world.send(['{no json'])
    await world.send([{ type: 'DANCE\u001b[31m', characterId: 2 }])
    await world.send([create(3, 1, 'no tenant')], { headers: false })
    await world.settled()
    const { exit, value } = await world.json('dead-letters', 'list')
    expect(exit).toBe(0)
    const reasons = value.deadLetters.map(({ reason }: { reason: string }) => reason)
    expect(reasons.toSorted()).toEqual(['command.unknown_type', 'headers.tenant_invalid', 'value.not_json'])
    const [unknown] = (await world.json('dead-letters', 'list', '--reason', 'command.unknown_type')).value.deadLetters
    expect(unknown).toMatchObject({
      key: { hex: '0200000000000000' },
      value: { text: expect.stringContaining('DANCE') },
    })
    expect(unknown.origin).toMatch(new RegExp(`^${world.config.COMMAND_TOPIC_NOTE}-[01]@\\d+$`))
    expect(unknown.headers).toContainEqual({ name: 'TENANT_ID', value: { text: TENANT_A } })
    expect(unknown.headers).toContainEqual({ name: 'MAJOR_VERSION', value: { hex: '0053' } })
    expect((await world.json('dead-letters', 'list', '--limit', '1')).value.deadLetters).toEqual([
      value.deadLetters.at(-1),
    ])
    const { out } = await world.cli('dead-letters', 'list')
    expect(out.split('\n')).toHaveLength(5)
    expect(out).not.toContain('\u001b')
  })
})

describe('offsets show', () => {
  test('all of them fit', async () => {
    const { exit, value } = await world.json('offsets', 'show')
    expect({ exit, ok: value.ok }).toEqual({ exit: 0, ok: true })
    expect(value.partitions.map(({ state }: { state: string }) => state)).toEqual(Array(6).fill('ok'))
  })

  test.each(['restore', 'adopt', 'earliest'])('%s is refused while the group has a member', async (action) => {
    const { exit, value } = await world.json('offsets', action, '--execute')
    expect(exit).toBe(1)
    expect(value).toMatchObject({ action, written: false, refused: [expect.stringContaining(world.application)] })
  })
})

test('a deployment that is not there: exit 2', async () => {
  const other = await CliWorld.open()
  try {
    for (const argv of [
      ['tasks'],
      ['verify'],
      ['offsets', 'show'],
      ['dead-letters', 'list'],
      ['state', 'get', 'note', '1'],
    ]) {
      const { exit, out, err } = await other.cli(...argv)
      expect({ exit, out }).toEqual({ exit: 2, out: '' })
      expect(err).toMatch(/^deployment\.missing: cluster \S+ has no topic cli-\S+-changelog: /)
    }
  } finally {
    await other.close()
  }
})
