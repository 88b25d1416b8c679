/**
 * The Redis of the simulation answers and holds what a real one does: random steps of owners, lost answers, FLUSHALL, older
 * dumps, killed connections and scripts that stop half-way, on both, key by key. CONFORMANCE_SEED begins elsewhere.
 */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type EmbeddedRedis, startRedis } from '../../embedded/redis.ts'
import { modelPlace, redisPlace } from '../conformance/redis-places.ts'
import { playStore } from '../conformance/redis-steps.ts'
import { layoutOf } from '../stores/layout-fixture.ts'

const first = Number(process.env['CONFORMANCE_SEED'] ?? Date.now() % 1_000_000)
const runs = Number(process.env['CONFORMANCE_RUNS'] ?? 8)
const STEPS = 80
const WANTED = ['StoreRefused', 'StoreForeign', 'lost: redis.connection', 'lost: redis.wrongtype', 'lost: store.ended']
const MORE_MAX = 50
const seeds = await chosen()
const kinds = new Map<string, number>()

/** As many as are asked for, and more until on the model, where a run takes milliseconds, all that is wanted has been met. */
async function chosen(): Promise<readonly number[]> {
  const missing = new Set(WANTED)
  const seeds: number[] = []
  while (seeds.length < runs || (missing.size > 0 && seeds.length < runs + MORE_MAX)) {
    const seed = first + seeds.length
    for (const { answer } of await playStore(modelPlace(layoutOf('conf')), seed, STEPS)) missing.delete(String(answer))
    seeds.push(seed)
  }
  return seeds
}

let server: EmbeddedRedis
beforeAll(async () => {
  server = await startRedis({ progress: () => {} })
})
afterAll(() => server?.stop())

test.each(seeds)('a task of seed %i', async (seed) => {
  const layout = layoutOf(`conf-${randomBytes(4).toString('hex')}`)
  const real = await redisPlace(server.redisUrl, layout)
  const model = modelPlace(layout)
  const told = await playStore(real, seed, STEPS)
  const wanted = await playStore(model, seed, STEPS)
  for (const [i, line] of told.entries()) {
    const before = told
      .slice(Math.max(0, i - 12), i + 1)
      .map(({ step, answer }) => `${step}: ${JSON.stringify(answer)}`)
    expect(wanted[i], before.join('\n')).toEqual(line)
    const kind = typeof line.answer === 'string' ? line.answer : `${line.step.split(' ')[1]} done`
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  }
  expect(wanted.length).toBe(told.length)
  await real.close()
})

test('it was not only the good case', () => {
  const met = [...kinds.keys()]
  expect(met, JSON.stringify([...kinds])).toEqual(expect.arrayContaining(WANTED))
})
