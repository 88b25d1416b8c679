/** What every implementation must do for the order of the fields of a key (stores/core/field-order.ts). */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DROPPED_UNTIL, KEPT_BEYOND } from '../../stores/core/field-order.ts'
import { CHUNK_CHANGES_MAX } from '../../stores/core/write-plan.ts'
import type { Change, TaskStore } from '../../stores/ports.ts'
import { newSeed, seeded } from '../faults/feed/random.ts'
import { checkpointOf, move, ownerOf } from './layout-fixture.ts'
import type { StoreWorld } from './task-store-contract.ts'

const TASK = 0
const ALL = 100_000

export function fieldOrderContract(name: string, open: () => Promise<StoreWorld>): void {
  describe(`${name}: the order of fields`, () => {
    let world: StoreWorld
    let store: TaskStore
    let version: string
    let batch = 1

    beforeEach(async () => {
      world = await open()
      store = await world.factory.open(TASK)
      await store.claim(ownerOf('a'))
      version = await store.beginRebuild()
      batch = 1
      await store.switchTo(checkpointOf(batch, version))
    })

    afterEach(async () => {
      await store.close()
      await world.close()
    })

    const apply = async (...changes: Change[]): Promise<void> => store.apply(changes, checkpointOf(++batch, version))
    const moves = (from: number, to: number, json: string | null = '{}'): Change[] =>
      Array.from({ length: to - from + 1 }, (_, at) => move('k', from + at, json))
    const page = async (from = 0, count = ALL, key = 'k') => {
      const found = await world.reader.page(TASK, 'move-order', key, from, count)
      const { answer, checkpoint } = await world.reader.members(TASK, 'move-order', key, from, count)
      expect(answer).toEqual(found)
      expect(checkpoint).toEqual(checkpointOf(batch, version))
      return { total: found.total, members: found.members.map(Number) }
    }
    /** Members of the set; null where there is none. */
    const kept = async (key = 'k'): Promise<readonly number[] | null> => {
      if (!(await world.hands.keys(TASK)).includes(`${version}:move-order:${key}`)) return null
      const entries = await Array.fromAsync(world.reader.dumpIndex(TASK, 'move-order'))
      for (const { member, score } of entries) expect(member).toBe(String(score))
      const ofKey = new Set(entries.filter(({ group }) => group === key).map(({ score }) => score))
      return [...ofKey].sort((a, b) => a - b)
    }
    const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at)

    it('is made when it is read, of a key with few fields', async () => {
      await apply(move('k', 30), move('k', 4), move('k', 1_000_000_000_000), move('k', 0), move('l', 7))
      expect(await page()).toEqual({ total: 4, members: [0, 4, 30, 1_000_000_000_000] })
      expect(await page(1, 2)).toEqual({ total: 4, members: [4, 30] })
      expect(await page(3, 9)).toEqual({ total: 4, members: [1_000_000_000_000] })
      expect(await page(4, 9)).toEqual({ total: 4, members: [] })
      expect(await page(0, 0)).toEqual({ total: 4, members: [] })
      expect(await page(0, 9, 'nobody')).toEqual({ total: 0, members: [] })
      expect(await kept()).toBeNull()
      await apply(move('k', 4, null))
      expect(await page()).toEqual({ total: 3, members: [0, 30, 1_000_000_000_000] })
    })

    it.each(['one change at a time', 'in one batch'])('is kept of a key with many, %s', async (how) => {
      const all = moves(1, KEPT_BEYOND).reverse()
      if (how === 'in one batch') await apply(...all)
      else for (const change of all) await apply(change)
      expect(await kept()).toBeNull()
      await apply(move('k', 1_000), move('l', 5))
      expect(await kept()).toEqual([...range(1, KEPT_BEYOND), 1_000])
      expect(await page(KEPT_BEYOND - 1, 5)).toEqual({ total: KEPT_BEYOND + 1, members: [KEPT_BEYOND, 1_000] })
      expect(await page(0, 0)).toEqual({ total: KEPT_BEYOND + 1, members: [] })
      expect(await kept('l')).toBeNull()
      await apply(move('k', 1_000, '{"again":1}'), move('k', 999), move('k', 3, null))
      expect(await kept()).toEqual([1, 2, ...range(4, KEPT_BEYOND), 999, 1_000])
    })

    it('stays until few are left', async () => {
      await apply(...moves(1, KEPT_BEYOND + 1))
      for (let last = KEPT_BEYOND + 1; last > DROPPED_UNTIL + 1; last--) {
        await apply(move('k', last, null))
        expect((await kept())?.length).toBe(last - 1)
      }
      await apply(move('k', 1, null))
      expect(await kept()).toBeNull()
      expect(await page()).toEqual({ total: DROPPED_UNTIL, members: range(2, DROPPED_UNTIL + 1) })
      await apply(...moves(2, DROPPED_UNTIL + 1, null))
      expect(await page()).toEqual({ total: 0, members: [] })
    })

    it('is kept of keys that grow beyond one part of a write', async () => {
      await apply(...moves(1, CHUNK_CHANGES_MAX + 10))
      expect(await kept()).toEqual(range(1, CHUNK_CHANGES_MAX + 10))
      await apply(...moves(1, CHUNK_CHANGES_MAX, null))
      expect(await kept()).toBeNull()
      expect((await page()).members).toEqual(range(CHUNK_CHANGES_MAX + 1, CHUNK_CHANGES_MAX + 10))
    })

    it('is made anew where it has not all fields', async () => {
      await apply(...moves(1, KEPT_BEYOND + 1))
      await world.hands.setField(TASK, `${version}:moves:k`, '500', '{}')
      await apply(move('k', 600))
      expect(await kept()).toEqual([...range(1, KEPT_BEYOND + 1), 500, 600])
    })

    it('is of one version, and rebuilt with it', async () => {
      await apply(...moves(1, KEPT_BEYOND + 1))
      version = await store.beginRebuild()
      await store.replay(moves(5, KEPT_BEYOND + 20), null)
      await store.replay([move('k', 6, null)], null)
      await store.switchTo(checkpointOf(++batch, version))
      const left = [5, ...range(7, KEPT_BEYOND + 20)]
      expect(await kept()).toEqual(left)
      expect(await page()).toEqual({ total: left.length, members: left })
    })

    const seed = newSeed()
    it(`is that of the fields whatever is written, seed ${seed}`, { timeout: 60_000 }, async () => {
      const random = seeded(seed)
      const below = (n: number): number => Math.floor(random() * n)
      const fields = new Map<string, Set<number>>([
        ['k', new Set()],
        ['l/ü', new Set()],
      ])
      for (let round = 0; round < 60; round++) {
        const growing = below(2) === 0
        const changes = Array.from({ length: below(200) }, () => {
          const [key, there] = [...fields][below(2)]!
          const field = below(400)
          const isPut = growing ? below(5) > 0 : below(5) === 0
          if (isPut) there.add(field)
          else there.delete(field)
          return move(key, field, isPut ? '{}' : null)
        })
        await apply(...changes)
        for (const [key, there] of fields) {
          const sorted = [...there].sort((a, b) => a - b)
          expect(await page(0, ALL, key)).toEqual({ total: sorted.length, members: sorted })
          const from = below(sorted.length + 1)
          expect((await page(from, 10, key)).members).toEqual(sorted.slice(from, from + 10))
        }
      }
    })
  })
}
