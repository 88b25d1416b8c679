/**
 * `tributary changelog rewrite`: what Redis has is written into a changelog that has lost it, and is whole there: Redis is
 * emptied afterwards, and every note comes back.
 */
import { Admin } from '@platformatic/kafka'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { withContext } from '../../cli/context.ts'
import { runCli } from '../../cli/run.ts'
import { partitionFor } from '../../engine/core/murmur2.ts'
import { position } from '../../engine/core/numbers.ts'
import { rewriteChangelog } from '../../operations/rewrite.ts'
import { preparationOf } from '../../service-options.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { CliWorld, create, discard, eventually, TASKS } from './cli-support.ts'

let world: CliWorld
const partitions = Array.from({ length: TASKS }, (_, partition) => partition)
/** One at home in each partition. */
const CHARACTERS = partitions.map(
  (partition) => [...Array(64).keys()].find((id) => id > 0 && partitionFor(characterKey(id), TASKS) === partition)!,
)
const changelog = () => `${world.application}-changelog`

beforeEach(async () => {
  world = await CliWorld.open()
  await world.start()
  await send('kept', 40)
  await world.settled()
  await world.send((await everyNote()).map((notes, at) => discard(CHARACTERS[at]!, [idsOf(notes)[0]!])))
  await world.settled()
})
afterEach(() => world.close())

const send = (text: string, each: number) =>
  world.send(
    CHARACTERS.flatMap((character) => Array.from({ length: each }, (_, i) => create(character, 9, `${text} ${i}`))),
  )

interface Listed {
  readonly noteId: number
  readonly note: { readonly message: string }
}
const notesOf = async (character: number): Promise<readonly Listed[]> =>
  (await world.json('state', 'get', 'character', String(character))).value.notes
const idsOf = (notes: readonly Listed[]): readonly number[] => notes.map(({ noteId }) => noteId)
const everyNote = () => Promise.all(CHARACTERS.map(notesOf))

async function deleteChangelog(): Promise<void> {
  const admin = new Admin({ clientId: 'operator', bootstrapBrokers: [world.config.BOOTSTRAP_SERVERS] })
  await admin.deleteTopics({ topics: [changelog()] })
  await admin.close()
  await eventually('the changelog is gone', async () => (await world.kafka.admin.topics([changelog()])).size === 0)
}

/** Goes on, and rebuilds from nothing but the changelog. */
async function isWhole(before: readonly (readonly Listed[])[]): Promise<void> {
  await world.start()
  expect(await everyNote()).toEqual(before)
  await send('after', 3)
  await world.settled()
  expect((await world.cli('verify')).exit).toBe(0)
  const after = await everyNote()
  expect(after.map(({ length }) => length)).toEqual(before.map(({ length }) => length + 3))
  // Ids go on where they were.
  for (const [at, notes] of after.entries())
    expect(new Set(idsOf(notes)).size, `character ${CHARACTERS[at]}`).toBe(notes.length)
  await world.stop()
  await world.redis.del(await world.redis.keys(`{${world.application}:*`))
  await world.start()
  expect(await everyNote()).toEqual(after)
  expect((await world.cli('verify')).exit).toBe(0)
  expect((await world.cli('offsets', 'show')).exit).toBe(0)
}

test('deleted while nobody runs', async () => {
  const before = await everyNote()
  await world.stop()
  await deleteChangelog()
  const dry = await world.json('changelog', 'rewrite')
  expect(dry).toMatchObject({ exit: 0, value: { reason: `${changelog()} does not exist`, refused: [], written: [] } })
  const { exit, value } = await world.json('changelog', 'rewrite', '--execute')
  expect(exit).toBe(0)
  expect(value.written.map(({ task }: { task: number }) => task)).toEqual(partitions)
  await isWhole(before)
})

test('cut by DeleteRecords, which a running service only warns of', async () => {
  const before = await everyNote()
  expect((await world.cli('changelog', 'rewrite', '--execute')).out).toMatch(/has an active member.*: stop the service/)
  await world.stop()
  expect((await world.cli('changelog', 'rewrite', '--execute')).out).toMatch(/is whole: nothing to do\n$/)
  const policy = (value: string) =>
    world.kafka.admin.topics([changelog()]).then(async () => {
      const admin = new Admin({ clientId: 'operator', bootstrapBrokers: [world.config.BOOTSTRAP_SERVERS] })
      await admin.incrementalAlterConfigs({
        resources: [
          {
            resourceType: 2,
            resourceName: changelog(),
            configs: [{ name: 'cleanup.policy', configOperation: 0, value }],
          },
        ],
        validateOnly: false,
      })
      await admin.close()
    })
  await policy('delete')
  const cut = partitions.map((partition) => ({ topic: changelog(), partition, position: position(10) }))
  await eventually('records of the changelog are deleted', async () =>
    (await world.kafka.admin.deleteRecords(cut)).every(({ code }) => code === 0),
  )
  const { exit, out } = await world.cli('changelog', 'rewrite', '--execute')
  expect(exit).toBe(0)
  expect(out).toMatch(/begins at offset 10: what lay before is gone\n/)
  await isWhole(before)
})

test('interrupted before every task knows: no task is wrong, and the same command ends it', async () => {
  const before = await everyNote()
  await world.stop()
  await deleteChangelog()
  const io = { env: world.env, out: () => {}, err: () => {}, runningStack: () => null }
  await expect(
    withContext(
      io,
      ({ admin, ...context }) => {
        let told = 0
        const dying = Object.assign(Object.create(admin) as typeof admin, {
          rebase: (...of: Parameters<typeof admin.rebase>) =>
            ++told > 1 ? Promise.reject(new Error('killed')) : admin.rebase(...of),
        })
        return rewriteChangelog({ ...context, admin: dying }, preparationOf(context.config), {
          redo: false,
          anyway: false,
          execute: true,
        })
      },
      { changelogMayMiss: true },
    ),
  ).rejects.toThrow('killed')
  const { exit, value } = await world.json('changelog', 'rewrite', '--execute')
  expect([exit, value.reason]).toEqual([0, expect.stringContaining('is another topic than the one')])
  await isWhole(before)
})

test('a task that has never done anything begins as it would have', async () => {
  await world.close()
  world = await CliWorld.open()
  await world.start()
  const [character] = CHARACTERS
  await world.send([create(character!, 9, 'only')])
  await world.settled()
  await world.stop()
  await deleteChangelog()
  expect((await world.json('changelog', 'rewrite', '--execute')).value.refused).toEqual([])
  await isWhole(await everyNote())
})

test('Redis that is behind: refused, and with --redo what lies between is processed again', async () => {
  await world.stop()
  await send('between', 1)
  const topic = world.config.COMMAND_TOPIC_NOTE
  const shown = (await world.json('offsets', 'show')).value.partitions as { topic: string; committed: number }[]
  const admin = world.kafka.groupAdmin(world.application)
  await admin.commit(
    shown
      .filter((at) => at.topic === topic)
      .map((at, partition) => ({ topic, partition, position: position(at.committed + 1) })),
  )
  await admin.close()
  await deleteChangelog()
  const refused = await world.json('changelog', 'rewrite', '--execute')
  expect(refused).toMatchObject({ exit: 1, value: { written: [] } })
  expect(refused.value.refused).toHaveLength(TASKS)
  expect((await world.json('changelog', 'rewrite', '--redo', '--execute')).value.refused).toEqual([])
  await world.start()
  await world.settled()
  const messages = (await everyNote()).map((notes) => notes.map(({ note }) => note.message))
  for (const of of messages) expect(of.filter((text) => text.startsWith('between'))).toEqual(['between 0'])
  expect((await world.cli('verify')).exit).toBe(0)
})

test('Redis that is empty has nothing to write, and the changelog stays', async () => {
  await world.stop()
  await world.redis.del(await world.redis.keys(`{${world.application}:*`))
  const { exit, value } = await world.json('changelog', 'rewrite', '--execute')
  expect([exit, value.refused.length, value.written]).toEqual([1, TASKS, []])
  expect(await runCli(['verify'], { env: world.env, out: () => {}, err: () => {}, runningStack: () => null })).toBe(1)
  await world.start()
  expect((await everyNote()).map(({ length }) => length)).toEqual(CHARACTERS.map(() => 39))
})
