/**
 * What every implementation of stores/ports.ts must do. Run for the model in memory (unit) and for Redis (integration).
 * A world is one server with one layout; `hands` are those of somebody who changes keys behind the store's back.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TaskCommands } from '../../stores/commands.ts'
import { CHUNK_CHANGES_MAX } from '../../stores/core/write-plan.ts'
import type { Checkpoint, StateReader, StoreFactory, TaskStore } from '../../stores/ports.ts'
import { StoreForeign, StoreLost, StoreRefused } from '../../stores/ports.ts'
import { checkpointOf, manyNotes, note, ownerOf, total } from './layout-fixture.ts'

export interface StoreWorld {
  readonly factory: StoreFactory
  readonly reader: StateReader
  readonly hands: {
    /** Names of the task's keys, without its prefix. */
    keys(task: number): Promise<string[]>
    setText(task: number, key: string, text: string): Promise<void>
    remove(task: number, key: string): Promise<void>
    setField(task: number, key: string, field: string, text: string): Promise<void>
  }
  /** The commands below a store, on a connection of their own. */
  commands(task: number): Promise<TaskCommands>
  /** The next write of any store of this world is carried out, but its answer is lost with the connection. */
  loseNextAnswer(): Promise<void>
  close(): Promise<void>
}

const TASK = 0

export function taskStoreContract(name: string, open: () => Promise<StoreWorld>): void {
  describe(`${name} as a task store`, () => {
    let world: StoreWorld
    const opened: TaskStore[] = []

    beforeEach(async () => {
      world = await open()
    })

    afterEach(async () => {
      for (const store of opened.splice(0)) await store.close()
      await world.close()
    })

    const connect = async (): Promise<TaskStore> => {
      const store = await world.factory.open(TASK)
      opened.push(store)
      return store
    }

    /** Claimed, with an empty live version and the checkpoint of batch 1. */
    const fresh = async (token: string): Promise<{ store: TaskStore; version: string }> => {
      const store = await connect()
      await store.claim(ownerOf(token))
      const version = await store.beginRebuild()
      await store.switchTo(checkpointOf(1, version))
      return { store, version }
    }

    const json = async (store: TaskStore, key: string, field: string): Promise<string | null> => {
      const [answer] = await store.read([{ kind: 'entry', store: 'notes', key, field }])
      return answer?.kind === 'entry' ? answer.json : null
    }

    const found = async (): Promise<Checkpoint | null> => (await world.reader.task(TASK))?.checkpoint ?? null

    describe('claiming', () => {
      it('finds nothing in an empty place, and the checkpoint of a predecessor later', async () => {
        const first = await connect()
        expect(await first.claim(ownerOf('a'))).toBeNull()
        const version = await first.beginRebuild()
        await first.switchTo(checkpointOf(1, version))
        const second = await connect()
        expect(await second.claim(ownerOf('b'))).toEqual(checkpointOf(1, version))
        const label = await world.reader.task(TASK)
        expect(label).toMatchObject({ owner: 'b', instance: 'instance-b', transactionalId: 'tx-b' })
      })

      it('refuses every write and read of the predecessor', async () => {
        const attempts: ((store: TaskStore, version: string) => Promise<unknown>)[] = [
          (store, version) => store.apply([note('1', '1', '{}')], checkpointOf(2, version)),
          (store) => store.replay([note('1', '1', '{}')], null),
          (store) => store.read([{ kind: 'entry', store: 'notes', key: '1', field: '1' }]),
          (store) => store.read([{ kind: 'all', store: 'notes', key: '1' }]),
          (store) => store.read([{ kind: 'members', index: 'by-tenant', group: 'tenant', score: 1 }]),
          (store) => store.beginRebuild(),
          (store) => store.sweep(),
        ]
        for (const attempt of attempts) {
          const { store, version } = await fresh('a')
          const successor = await connect()
          await successor.claim(ownerOf('b'))
          const before = await world.hands.keys(TASK)
          await expect(attempt(store, version)).rejects.toThrow(StoreRefused)
          expect(await world.hands.keys(TASK)).toEqual(before)
          expect(await found()).toEqual(checkpointOf(1, version))
        }
      })

      it('refuses a predecessor that is rebuilding', async () => {
        const store = await connect()
        await store.claim(ownerOf('a'))
        const version = await store.beginRebuild()
        const successor = await connect()
        await successor.claim(ownerOf('b'))
        await expect(store.switchTo(checkpointOf(1, version))).rejects.toThrow(StoreRefused)
        expect(await found()).toBeNull()
      })

      it.each([
        ['cluster', { clusterId: 'cluster-2' }],
        ['changelog topic', { changelogTopicId: 'topic-2' }],
      ])('leaves state of another %s as it is', async (_what, other) => {
        const { version } = await fresh('a')
        const store = await connect()
        const claim = store.claim({ ...ownerOf('b'), ...other })
        await expect(claim).rejects.toThrow(StoreForeign)
        await expect(claim).rejects.toMatchObject({ found: { clusterId: 'cluster-1', changelogTopicId: 'topic-1' } })
        expect(await world.reader.task(TASK)).toMatchObject({ owner: 'a', checkpoint: checkpointOf(1, version) })
        await expect(store.beginRebuild()).rejects.toMatchObject({ code: 'store.ended' })
      })

      it('replaces a task key of the wrong type', async () => {
        await world.hands.setText(TASK, 'task', 'not a hash')
        const store = await connect()
        expect(await store.claim(ownerOf('a'))).toBeNull()
        await store.switchTo(checkpointOf(1, await store.beginRebuild()))
        expect((await world.reader.task(TASK))?.owner).toBe('a')
      })

      it.each(['', '{', '[]', '{"batch":1}', '"text"'])('takes the checkpoint %j for none', async (text) => {
        await fresh('a')
        await world.hands.setField(TASK, 'task', 'checkpoint', text)
        const store = await connect()
        expect(await store.claim(ownerOf('b'))).toBeNull()
        const version = await store.beginRebuild()
        await store.switchTo(checkpointOf(7, version))
        expect(await found()).toEqual(checkpointOf(7, version))
      })

      it('has to come first, and the ports are used in order', async () => {
        const store = await connect()
        await expect(store.apply([], checkpointOf(1, 'v'))).rejects.toMatchObject({ code: 'store.misuse' })
        await store.claim(ownerOf('a'))
        await expect(store.apply([], checkpointOf(1, 'v'))).rejects.toMatchObject({ code: 'store.misuse' })
        await expect(store.switchTo(checkpointOf(1, 'v'))).rejects.toMatchObject({ code: 'store.misuse' })
        await store.switchTo(checkpointOf(1, await store.beginRebuild()))
        await expect(store.apply([], checkpointOf(2, 'other'))).rejects.toMatchObject({ code: 'store.misuse' })
      })
    })

    describe('writing and reading', () => {
      it('answers in the order of the requests, absences included', async () => {
        const { store, version } = await fresh('a')
        const changes = [note('7', '10', '{"n":10}'), note('7', '9', '{"n":9}'), note('8', '1', '1'), total('t', '"x"')]
        await store.apply(changes, checkpointOf(2, version))
        const answers = await store.read([
          { kind: 'entry', store: 'totals', key: 'none', field: null },
          { kind: 'entry', store: 'notes', key: '7', field: '9' },
          { kind: 'all', store: 'notes', key: '7' },
          { kind: 'entry', store: 'notes', key: '7', field: 'none' },
          { kind: 'entry', store: 'totals', key: 't', field: null },
          { kind: 'all', store: 'notes', key: 'none' },
          { kind: 'entry', store: 'notes', key: '8', field: '1' },
          { kind: 'entry', store: 'notes', key: '7', field: '9' },
        ])
        const entry = (text: string | null) => ({ kind: 'entry', json: text })
        expect(answers).toEqual([
          entry(null),
          entry('{"n":9}'),
          // By field, as text: the same whatever order the entries were written in.
          {
            kind: 'all',
            entries: [
              ['10', '{"n":10}'],
              ['9', '{"n":9}'],
            ],
          },
          entry(null),
          entry('"x"'),
          { kind: 'all', entries: [] },
          entry('1'),
          entry('{"n":9}'),
        ])
      })

      it('tells which members of an index have a score, beside other reads', async () => {
        const { store, version } = await fresh('a')
        const changes = [note('7', '10', '{"n":10}'), note('8', '9', '{"n":9}'), note('a/b', '11', '1')]
        await store.apply(changes, checkpointOf(2, version))
        const at = (score: number, index = 'by-tenant', group = 'tenant') =>
          ({ kind: 'members', index, group, score }) as const
        const entry = { kind: 'entry', store: 'notes', key: '8', field: '9' } as const
        const answers = await store.read([
          at(9),
          entry,
          at(10),
          at(8),
          at(11, 'by-character', 'a/b'),
          at(9, 'by-tenant', 'none'),
        ])
        const members = (...texts: string[]) => ({ kind: 'members', members: texts })
        expect(answers).toEqual([
          members('8:9'),
          { kind: 'entry', json: '{"n":9}' },
          members('7:10'),
          members(),
          members('11'),
          members(),
        ])
        await store.apply([note('8', '9', null)], checkpointOf(3, version))
        expect(await store.read([at(9)])).toEqual([members()])
        await expect(store.read([at(9, 'none')])).rejects.toMatchObject({ code: 'layout.index' })
      })

      it('lets the last of several changes to one entry count', async () => {
        const { store, version } = await fresh('a')
        await store.apply([note('1', '1', '{}'), note('1', '4', '{}'), total('t', '1')], checkpointOf(2, version))
        const changes = [
          note('1', '1', null),
          note('1', '1', '"back"'),
          note('1', '2', '"gone"'),
          note('1', '2', null),
          note('1', '3', '"a"'),
          note('1', '3', '"b"'),
          note('1', '4', null),
          total('t', null),
          total('u', '1'),
          total('u', null),
          total('u', '2'),
        ]
        await store.apply(changes, checkpointOf(3, version))
        const [all, t, u] = await store.read([
          { kind: 'all', store: 'notes', key: '1' },
          { kind: 'entry', store: 'totals', key: 't', field: null },
          { kind: 'entry', store: 'totals', key: 'u', field: null },
        ])
        expect(all).toEqual({
          kind: 'all',
          entries: [
            ['1', '"back"'],
            ['3', '"b"'],
          ],
        })
        expect([t, u]).toEqual([
          { kind: 'entry', json: null },
          { kind: 'entry', json: '2' },
        ])
        expect(await world.reader.page(TASK, 'by-tenant', 'tenant', 0, 10)).toEqual({
          members: ['1:1', '1:3'],
          total: 2,
        })
        expect(await world.reader.page(TASK, 'by-character', '1', 0, 10)).toEqual({ members: ['1', '3'], total: 2 })
      })

      it('keeps text as it is: unicode, zero bytes, separators, very long', async () => {
        const { store, version } = await fresh('a')
        const texts = ['', ' ', 'ä€😀', 'a\u0000b', '\r\n$3\r\n', '%25/:{}*?[', '__proto__', 'x'.repeat(3_000_000)]
        const changes = texts.flatMap((text) => [
          note(text.slice(0, 1_000), text.slice(0, 2_000), JSON.stringify(text)),
          total(text.slice(0, 1_000), JSON.stringify(text)),
        ])
        await store.apply(changes, checkpointOf(2, version))
        for (const text of texts) {
          const key = text.slice(0, 1_000)
          const [one, all, value] = await store.read([
            { kind: 'entry', store: 'notes', key, field: text.slice(0, 2_000) },
            { kind: 'all', store: 'notes', key },
            { kind: 'entry', store: 'totals', key, field: null },
          ])
          expect(one).toEqual({ kind: 'entry', json: JSON.stringify(text) })
          expect(all).toEqual({ kind: 'all', entries: [[text.slice(0, 2_000), JSON.stringify(text)]] })
          expect(value).toEqual(one)
        }
        // Deletions and index members take another way to Redis than values.
        await store.apply(
          changes.map((change) => ({ ...change, json: null })),
          checkpointOf(3, version),
        )
        expect(await Array.fromAsync(world.reader.dump(TASK))).toEqual([])
        expect((await world.reader.page(TASK, 'by-tenant', 'tenant', 0, 10)).total).toBe(0)
      })

      it('cuts a large batch, and a large read', async () => {
        const { store, version } = await fresh('a')
        const changes = manyNotes(10_000)
        await store.apply(changes, checkpointOf(2, version))
        const requests = changes.map(({ key, field }) => ({ kind: 'entry' as const, store: 'notes', key, field }))
        const answers = await store.read(requests)
        expect(answers).toEqual(changes.map((change) => ({ kind: 'entry', json: change.json })))
        expect((await world.reader.page(TASK, 'by-tenant', 'tenant', 0, 10)).total).toBe(10_000)
        const alls = Array.from({ length: 1_000 }, (_, key) => ({
          kind: 'all' as const,
          store: 'notes',
          key: String(key),
        }))
        const wholes = await store.read([...alls, ...alls])
        expect(wholes.every((answer) => answer.kind === 'all' && answer.entries.length === 10)).toBe(true)
      })

      it('reads and writes one key with 25,000 fields', async () => {
        const { store, version } = await fresh('a')
        await store.apply(manyNotes(25_000, 1), checkpointOf(2, version))
        const [all, one, again] = await store.read([
          { kind: 'all', store: 'notes', key: '0' },
          { kind: 'entry', store: 'notes', key: '0', field: '24999' },
          { kind: 'all', store: 'notes', key: '0' },
        ])
        expect(all?.kind === 'all' && new Set(all.entries.map(([field]) => field)).size).toBe(25_000)
        expect(again).toEqual(all)
        expect(one).toEqual({ kind: 'entry', json: '{"noteId":24999}' })
        expect(await world.reader.all(TASK, 'notes', '0')).toEqual(all?.kind === 'all' && all.entries)
        await store.apply(
          manyNotes(25_000, 1).map((change) => ({ ...change, json: null })),
          checkpointOf(3, version),
        )
        expect(await store.read([{ kind: 'all', store: 'notes', key: '0' }])).toEqual([{ kind: 'all', entries: [] }])
      })

      it('sets the checkpoint of an empty batch', async () => {
        const { store, version } = await fresh('a')
        await store.apply([], checkpointOf(2, version))
        expect(await found()).toEqual(checkpointOf(2, version))
        expect(await store.read([])).toEqual([])
      })

      it('expects of a read the checkpoint of the last write sent before it', async () => {
        const { store, version } = await fresh('a')
        const before = json(store, '1', '1')
        const write = store.apply([note('1', '1', '"new"')], checkpointOf(2, version))
        const after = json(store, '1', '1')
        expect(await before).toBeNull()
        expect(await after).toBe('"new"')
        await write
      })

      it('refuses a read when the checkpoint is not the one last set', async () => {
        const { store, version } = await fresh('a')
        await store.apply([note('1', '1', '1')], checkpointOf(2, version))
        await world.hands.setField(TASK, 'task', 'checkpoint', JSON.stringify(checkpointOf(1, version)))
        await expect(json(store, '1', '1')).rejects.toThrow(StoreRefused)
      })

      it('refuses a second writer, and a write that meets another checkpoint', async () => {
        const { store, version } = await fresh('a')
        const first = store.apply(manyNotes(5_000), checkpointOf(2, version))
        await expect(store.apply([], checkpointOf(3, version))).rejects.toMatchObject({ code: 'store.misuse' })
        await first
        await world.hands.setField(TASK, 'task', 'checkpoint', 'edited')
        await expect(store.apply([note('nobody', '9', '9')], checkpointOf(3, version))).rejects.toThrow(StoreRefused)
        expect((await world.hands.keys(TASK)).includes(`${version}:notes:nobody`)).toBe(false)
      })

      it('replays into the live version with or without a checkpoint', async () => {
        const { store, version } = await fresh('a')
        await store.replay([note('1', '1', '1')], null)
        expect(await found()).toEqual(checkpointOf(1, version))
        await store.replay([note('1', '2', '2')], checkpointOf(2, version))
        expect(await found()).toEqual(checkpointOf(2, version))
        expect(await json(store, '1', '1')).toBe('1')
      })
    })

    describe('failing', () => {
      it.each([0, CHUNK_CHANGES_MAX])('never sets the checkpoint when change %i meets a wrong type', async (at) => {
        const { store, version } = await fresh('a')
        await world.hands.setText(TASK, `${version}:notes:broken`, 'a string')
        const changes = manyNotes(CHUNK_CHANGES_MAX * 2)
        changes[at] = note('broken', '1', '1')
        const apply = store.apply(changes, checkpointOf(2, version))
        await expect(apply).rejects.toThrow(StoreLost)
        await expect(apply).rejects.toMatchObject({ code: 'redis.wrongtype' })
        expect(await found()).toEqual(checkpointOf(1, version))
        await expect(store.apply([], checkpointOf(2, version))).rejects.toMatchObject({ code: 'store.ended' })
        await expect(store.read([])).rejects.toMatchObject({ code: 'store.ended' })
        await expect(store.sweep()).rejects.toMatchObject({ code: 'store.ended' })
      })

      it.each(['entry', 'all'] as const)('names a wrong type met by a read (%s)', async (kind) => {
        const { store, version } = await fresh('a')
        await world.hands.setText(TASK, `${version}:notes:broken`, 'a string')
        const request = { store: 'notes', key: 'broken' }
        const read = store.read([kind === 'all' ? { kind, ...request } : { kind, ...request, field: '1' }])
        await expect(read).rejects.toMatchObject({ code: 'redis.wrongtype' })
      })

      it('refuses reads and writes after the keys were flushed, so that nothing looks absent', async () => {
        for (const attempt of ['read', 'apply', 'replay'] as const) {
          const { store, version } = await fresh('a')
          await store.apply([note('1', '1', '1')], checkpointOf(2, version))
          for (const key of await world.hands.keys(TASK)) await world.hands.remove(TASK, key)
          const doing =
            attempt === 'read'
              ? json(store, '1', '1')
              : attempt === 'apply'
                ? store.apply([], checkpointOf(3, version))
                : store.replay([], checkpointOf(3, version))
          await expect(doing).rejects.toThrow(StoreRefused)
          expect(await world.hands.keys(TASK)).toEqual([])
        }
      })

      it('refuses a rebuild whose task key was flushed', async () => {
        const store = await connect()
        await store.claim(ownerOf('a'))
        const version = await store.beginRebuild()
        await world.hands.remove(TASK, 'task')
        await expect(store.replay([note('1', '1', '1')], null)).rejects.toThrow(StoreRefused)
        expect(await world.hands.keys(TASK)).toEqual([])
        expect(version).not.toBe('')
      })

      it('ends with a lost answer and never sends it twice', async () => {
        const { store, version } = await fresh('a')
        await world.loseNextAnswer()
        await expect(store.apply([note('1', '1', '1')], checkpointOf(2, version))).rejects.toThrow(StoreLost)
        await expect(json(store, '1', '1')).rejects.toMatchObject({ code: 'store.ended' })
        // Whether it was carried out is unknown; a new owner finds either, whole.
        const successor = await connect()
        const checkpoint = await successor.claim(ownerOf('b'))
        const note1 = await json(successor, '1', '1')
        expect([checkpoint?.batch, note1]).toEqual(checkpoint?.batch === 2 ? [2, '1'] : [1, null])
      })

      it('ends when it is closed, without throwing', async () => {
        const { store } = await fresh('a')
        await store.close()
        await store.close()
        await expect(json(store, '1', '1')).rejects.toMatchObject({ code: 'store.ended' })
      })
    })

    describe('rebuilding', () => {
      it('writes under a version of its own and then switches, indexes included', async () => {
        const { store, version } = await fresh('a')
        await store.apply([note('1', '1', '"old"')], checkpointOf(2, version))
        const next = await store.beginRebuild()
        await store.replay([note('1', '2', '"new"')], null)
        expect(await world.reader.all(TASK, 'notes', '1')).toEqual([['1', '"old"']])
        await store.switchTo(checkpointOf(3, next))
        expect(await world.reader.all(TASK, 'notes', '1')).toEqual([['2', '"new"']])
        expect((await world.reader.page(TASK, 'by-character', '1', 0, 10)).members).toEqual(['2'])
        expect(await json(store, '1', '2')).toBe('"new"')
        await store.apply([note('1', '3', '"more"')], checkpointOf(4, next))
        expect(await json(store, '1', '3')).toBe('"more"')
      })

      it('never shares keys between two rebuilders', async () => {
        const first = await connect()
        await first.claim(ownerOf('a'))
        const one = await first.beginRebuild()
        await first.replay([note('1', '1', '1')], null)
        const second = await connect()
        await second.claim(ownerOf('b'))
        const two = await second.beginRebuild()
        expect(two).not.toBe(one)
        await expect(first.replay([note('1', '2', '2')], null)).rejects.toThrow(StoreRefused)
        await second.switchTo(checkpointOf(1, two))
        expect(await world.reader.all(TASK, 'notes', '1')).toEqual([])
      })

      it('refuses to go on when another version was registered meanwhile', async () => {
        const { store, version } = await fresh('a')
        const next = await store.beginRebuild()
        await world.hands.setField(TASK, 'task', 'building', 'v0000000000000000')
        await expect(store.replay([note('1', '1', '1')], null)).rejects.toThrow(StoreRefused)
        expect((await world.hands.keys(TASK)).some((key) => key.startsWith(next))).toBe(false)
        expect((await found())?.stateVersion).toBe(version)
      })

      it('takes its checkpoint by the switch alone', async () => {
        const store = await connect()
        await store.claim(ownerOf('a'))
        const version = await store.beginRebuild()
        const replay = store.replay([], checkpointOf(1, version))
        await expect(replay).rejects.toMatchObject({ code: 'store.misuse' })
      })
    })

    describe('a store that has gone back to before a part of a write', () => {
      /** A part of batch 2 is written, and forgotten by the store. */
      const goneBack = async (): Promise<{ store: TaskStore; version: string }> => {
        const { store, version } = await fresh('a')
        await store.replay([note('1', '1', '1')], null)
        await world.hands.setField(TASK, 'task', 'step', '0')
        return { store, version }
      }

      it('takes no further part', async () => {
        const { store, version } = await goneBack()
        await expect(store.apply([note('1', '2', '2')], checkpointOf(2, version))).rejects.toThrow(StoreRefused)
        expect(await found()).toEqual(checkpointOf(1, version))
      })

      it('is not read', async () => {
        const { store } = await goneBack()
        await expect(json(store, '1', '1')).rejects.toThrow(StoreRefused)
      })

      it('does not make live what was built in part', async () => {
        const { store, version } = await fresh('a')
        const building = await store.beginRebuild()
        await store.replay([note('1', '1', '1')], null)
        await world.hands.setField(TASK, 'task', 'step', '0')
        await expect(store.switchTo(checkpointOf(2, building))).rejects.toThrow(StoreRefused)
        expect(await found()).toEqual(checkpointOf(1, version))
      })

      it('begins no rebuild', async () => {
        const { store } = await goneBack()
        await expect(store.beginRebuild()).rejects.toThrow(StoreRefused)
      })

      it('serves the next owner, who counts anew', async () => {
        const { version } = await goneBack()
        await world.hands.setField(TASK, 'task', 'step', '7')
        const successor = await connect()
        await successor.claim(ownerOf('b'))
        await successor.replay([note('1', '1', '1')], null)
        await successor.apply([note('1', '2', '2')], checkpointOf(2, version))
        expect(await json(successor, '1', '2')).toBe('2')
      })
    })

    describe('sweeping', () => {
      const sweepAll = async (store: TaskStore): Promise<number> => {
        for (let steps = 1; steps <= 10_000; steps++) if (await store.sweep()) return steps
        throw new Error('the sweep does not end')
      }
      const versionsOf = async (): Promise<string[]> => {
        const keys = await world.hands.keys(TASK)
        return [...new Set(keys.filter((key) => key.includes(':')).map((key) => key.slice(0, key.indexOf(':'))))].sort()
      }

      it('removes what is neither live nor under construction', async () => {
        const { store, version } = await fresh('a')
        await store.apply(manyNotes(3_000), checkpointOf(2, version))
        const second = await store.beginRebuild()
        await store.replay(manyNotes(3_000), null)
        await store.switchTo(checkpointOf(3, second))
        const third = await store.beginRebuild()
        await store.replay([note('1', '1', '1')], null)
        expect(await versionsOf()).toEqual([version, second, third].sort())
        await sweepAll(store)
        expect(await versionsOf()).toEqual([second, third].sort())
        expect((await world.reader.page(TASK, 'by-tenant', 'tenant', 0, 1)).total).toBe(3_000)
        await store.switchTo(checkpointOf(4, third))
        await sweepAll(store)
        expect(await versionsOf()).toEqual([third])
        expect(await store.sweep()).toBe(true)
      })

      it('removes what a dead predecessor was building', async () => {
        const { store, version } = await fresh('a')
        await store.apply([note('1', '1', '1')], checkpointOf(2, version))
        await store.beginRebuild()
        await store.replay([note('2', '2', '2')], null)
        const successor = await connect()
        await successor.claim(ownerOf('b'))
        await sweepAll(successor)
        expect(await versionsOf()).toEqual([version])
        expect(await json(successor, '1', '1')).toBe('1')
      })

      it('finds versions of which the task key knows nothing', async () => {
        const { store, version } = await fresh('a')
        await store.apply([note('1', '1', '1')], checkpointOf(2, version))
        await world.hands.remove(TASK, 'task')
        await world.hands.setText(TASK, 'somebody:else', 'stays')
        const next = await fresh('b')
        await next.store.apply([note('1', '2', '2')], checkpointOf(2, next.version))
        await sweepAll(next.store)
        expect(await versionsOf()).toEqual(['somebody', next.version].sort())
      })

      it('never removes the live version, not even after its checkpoint was rolled back by hand', async () => {
        const { store, version } = await fresh('a')
        await store.apply([note('1', '1', '1')], checkpointOf(2, version))
        const second = await store.beginRebuild()
        await store.replay([note('1', '2', '2')], null)
        await store.switchTo(checkpointOf(3, second))
        await world.hands.setField(TASK, 'task', 'checkpoint', JSON.stringify(checkpointOf(2, version)))
        const successor = await connect()
        await successor.claim(ownerOf('b'))
        await sweepAll(successor)
        expect(await versionsOf()).toEqual([version])
      })

      it('checks again inside the removal that the versions are dead and the owner is ours', async () => {
        const { store, version } = await fresh('a')
        await store.apply([note('1', '1', '1')], checkpointOf(2, version))
        const building = await store.beginRebuild()
        await store.replay([note('1', '1', '1')], null)
        const commands = await world.commands(TASK)
        const before = await world.hands.keys(TASK)
        const { keys } = await commands.scanKeys('0')
        expect(await commands.remove('a', ['v0000000000000000', version], keys)).toBe(false)
        expect(await commands.remove('a', [building], keys)).toBe(false)
        expect(await commands.remove('b', ['v0000000000000000'], keys)).toBe(false)
        expect(await commands.finishSweep('b', [])).toBe(false)
        await world.hands.setField(TASK, 'task', 'checkpoint', 'unreadable')
        expect(await commands.remove('a', ['v0000000000000000'], keys)).toBe(false)
        expect(await commands.inspect('a', building)).toBeNull()
        expect(await world.hands.keys(TASK)).toEqual(before)
        await commands.close()
      })

      it('is refused once another owner has claimed', async () => {
        const { store, version } = await fresh('a')
        await store.apply([note('1', '1', '1')], checkpointOf(2, version))
        const second = await store.beginRebuild()
        await store.switchTo(checkpointOf(3, second))
        const successor = await connect()
        await successor.claim(ownerOf('b'))
        await expect(sweepAll(store)).rejects.toThrow(StoreRefused)
        expect(await versionsOf()).toEqual([version])
      })
    })

    describe('reading without owning', () => {
      it('knows nothing of a task that never was', async () => {
        expect(await world.reader.task(5)).toBeNull()
        expect(await world.reader.get(5, 'notes', '1', '1')).toBeNull()
        expect(await world.reader.all(5, 'notes', '1')).toEqual([])
        expect(await world.reader.page(5, 'by-tenant', 'tenant', 0, 10)).toEqual({ members: [], total: 0 })
        expect(await world.reader.byScore(5, 'by-tenant', 'tenant', 1)).toEqual([])
        expect(await Array.fromAsync(world.reader.dump(5))).toEqual([])
        expect(await Array.fromAsync(world.reader.dumpIndex(5, 'by-tenant'))).toEqual([])
        const request = { store: 'notes', key: '1', field: '1' }
        expect(await world.reader.entries(5, [request])).toEqual({ answer: [null], checkpoint: null })
        expect(await world.reader.span(5, 'by-tenant', 'tenant')).toEqual({
          answer: { total: 0, last: null },
          checkpoint: null,
        })
      })

      it('answers several entries at once, in the order asked, and what they are as of', async () => {
        const { store, version } = await fresh('a')
        await store.apply(
          [note('c', '1', '"c1"'), note('c', '2', '"c2"'), note('d', '1', '"d1"'), total('t', '5')],
          checkpointOf(2, version),
        )
        const { answer, checkpoint } = await world.reader.entries(TASK, [
          { store: 'totals', key: 't', field: null },
          { store: 'notes', key: 'c', field: '2' },
          { store: 'notes', key: 'd', field: '1' },
          { store: 'notes', key: 'c', field: '3' },
          { store: 'totals', key: 'u', field: null },
          { store: 'notes', key: 'c', field: '1' },
        ])
        expect(answer).toEqual(['5', '"c2"', '"d1"', null, null, '"c1"'])
        expect(checkpoint).toEqual(checkpointOf(2, version))
        expect((await world.reader.entries(TASK, [])).answer).toEqual([])
      })

      it('counts an index and reads on from a score', async () => {
        const { store, version } = await fresh('a')
        await store.apply(
          ['11', '2', '30', '4', '4294967295'].map((id) => note('c', id, '{}')),
          checkpointOf(2, version),
        )
        const { reader } = world
        expect((await reader.span(TASK, 'by-tenant', 'tenant')).answer).toEqual({ total: 5, last: 4_294_967_295 })
        expect((await reader.span(TASK, 'by-tenant', 'other')).answer).toEqual({ total: 0, last: null })
        const below = async (score: number) => (await reader.countBelow(TASK, 'by-tenant', 'tenant', score)).answer
        expect([await below(0), await below(4), await below(5), await below(4_294_967_296)]).toEqual([0, 1, 2, 5])
        expect((await reader.membersFrom(TASK, 'by-tenant', 'tenant', 4, 2)).answer).toEqual([
          { member: 'c:4', score: 4 },
          { member: 'c:11', score: 11 },
        ])
        expect((await reader.membersFrom(TASK, 'by-tenant', 'tenant', 31, 5)).answer).toEqual([
          { member: 'c:4294967295', score: 4_294_967_295 },
        ])
        const members = await reader.members(TASK, 'by-character', 'c', 1, 2)
        expect(members).toEqual({ answer: { members: ['4', '11'], total: 5 }, checkpoint: checkpointOf(2, version) })
      })

      it('is of one version also behind a switch that it had not heard of', async () => {
        const { store, version } = await fresh('a')
        await store.apply([note('c', '1', '"old"')], checkpointOf(2, version))
        const request = { store: 'notes', key: 'c', field: '1' }
        expect((await world.reader.entries(TASK, [request])).answer).toEqual(['"old"'])
        const built = await store.beginRebuild()
        await store.replay([note('c', '1', '"new"')], null)
        await store.switchTo(checkpointOf(3, built))
        expect(await world.reader.entries(TASK, [request])).toEqual({
          answer: ['"new"'],
          checkpoint: checkpointOf(3, built),
        })
      })

      it('pages an index in score order and finds by score', async () => {
        const { store, version } = await fresh('a')
        await store.apply(
          ['11', '2', '30', '4'].map((id) => note('c', id, '{}')),
          checkpointOf(2, version),
        )
        expect(await world.reader.page(TASK, 'by-character', 'c', 1, 2)).toEqual({ members: ['4', '11'], total: 4 })
        expect(await world.reader.page(TASK, 'by-character', 'c', 0, 0)).toEqual({ members: [], total: 4 })
        expect(await world.reader.page(TASK, 'by-character', 'c', 9, 2)).toEqual({ members: [], total: 4 })
        expect(await world.reader.byScore(TASK, 'by-tenant', 'tenant', 30)).toEqual(['c:30'])
      })

      it('dumps every entry as a change', async () => {
        const { store, version } = await fresh('a')
        const changes = [...manyNotes(3_000), total('a b/c', '1'), note('ü:/%', 'f/ü', '"x"')]
        await store.apply(changes, checkpointOf(2, version))
        const id = (change: { store: string; key: string; field: string | null; json: string | null }) =>
          JSON.stringify([change.store, change.key, change.field, change.json])
        const dumped = new Set((await Array.fromAsync(world.reader.dump(TASK))).map(id))
        expect([...dumped].sort()).toEqual(changes.map(id).sort())
      })

      it('dumps every member of one index with its score', async () => {
        const { store, version } = await fresh('a')
        const changes = [...manyNotes(3_000), note('ü:/%', '7', '"x"')]
        await store.apply(changes, checkpointOf(2, version))
        const id = ({ group, member, score }: { group: string; member: string; score: number }) =>
          JSON.stringify([group, member, score])
        const wanted = (group: (key: string) => string, member: (key: string, field: string) => string) =>
          changes.map(({ key, field }) => id({ group: group(key), member: member(key, field!), score: Number(field) }))
        const dumped = async (index: string) => [
          ...new Set((await Array.fromAsync(world.reader.dumpIndex(TASK, index))).map(id)),
        ]
        expect((await dumped('by-character')).sort()).toEqual(
          wanted(
            (key) => key,
            (_, field) => field,
          ).sort(),
        )
        const ofTenant = wanted(
          () => 'tenant',
          (key, field) => `${key}:${field}`,
        )
        expect((await dumped('by-tenant')).sort()).toEqual(ofTenant.sort())
      })

      it('gives up a dump across a switch', async () => {
        const { store, version } = await fresh('a')
        await store.apply([note('1', '1', '1')], checkpointOf(2, version))
        const dump = world.reader.dump(TASK)[Symbol.asyncIterator]()
        await dump.next()
        await store.switchTo(checkpointOf(3, await store.beginRebuild()))
        await expect(dump.next()).rejects.toMatchObject({ code: 'reader.switched' })
      })

      it('tells the eviction policy', async () => {
        const policy = await world.factory.policy()
        expect(policy.maxmemoryPolicy).toMatch(/^[a-z-]+$/)
        expect(policy.evictedKeys).toBeGreaterThanOrEqual(0)
        expect(policy.version).not.toBe('unknown')
      })
    })
  })
}
