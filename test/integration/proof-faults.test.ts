/**
 * Some of the faults that `npm run test:faults` plays, for every run of the tests: the points of a batch, one zombie of each
 * kind, lost answers, Redis lost and set back, bad input. The registry of test/faults has them all.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newSeed } from '../faults/feed/random.ts'
import { impossible, tell } from '../faults/harness/proof.ts'
import { pointsScene } from '../faults/registry/crash.ts'
import type { Scene, WorkloadName } from '../faults/registry/fault.ts'
import { groupScene } from '../faults/registry/group.ts'
import { inputScene } from '../faults/registry/input.ts'
import { networkScene } from '../faults/registry/network.ts'
import { redisScene } from '../faults/registry/redis.ts'
import { zombieScene } from '../faults/registry/zombie.ts'
import { play, Servers } from '../faults/run/play.ts'
import { lastLine, sumsOf } from '../faults/run/verdict.ts'

const skipped = await impossible()
const seed = newSeed()

const QUICK: readonly (readonly [Scene, WorkloadName, RegExp])[] = [
  [pointsScene, 'notes', /./],
  [pointsScene, 'ledger', /EndTxn|EXEC|commit is known|rebuild/],
  [zombieScene, 'notes', /frozen beyond the session|EndTxn of a zombie|event loop held for/],
  [groupScene, 'notes', /transaction is open|fetch answered/],
  [
    networkScene,
    'notes',
    /^(EndTxn|TxnOffsetCommit|Produce|Fetch|Heartbeat|OffsetFetch) (answer|request) lost|offsets on their way/,
  ],
  [networkScene, 'ledger', /answer lost|storm at TxnOffsetCommit/],
  [redisScene, 'notes', /^FLUSHALL$|checkpoint|wrong type|KILL|write|restarted|older dump restored$|maxmemory/],
  [redisScene, 'ledger', /^FLUSHALL$|older dump/],
  [inputScene, 'notes', /./],
]

describe.skipIf(skipped !== '')(`faults, seed ${seed} ${skipped}`, { timeout: 600_000 }, () => {
  let servers: Servers
  beforeAll(() => {
    servers = new Servers()
  })
  afterAll(() => servers?.stop())

  test.each(QUICK.map(([scene, workload, only]) => ({ name: scene.name, workload, only, scene })))(
    '$name ($workload)',
    async ({ scene, workload, only }) => {
      const faults = scene.faults.filter((f) => (f.only ?? workload) === workload && only.test(f.name))
      expect(faults.length).toBeGreaterThan(0)
      const said: string[] = []
      const { rows, reports } = await play({
        scene,
        faults,
        workload,
        seed,
        servers,
        now: () => {},
        done: ({ fault, hits, healedMs }) => tell(`${workload}: ${fault.name}: ${hits} hits, healed in ${healedMs} ms`),
        say: (line) => void said.push(line),
      })
      const sums = sumsOf(rows, reports)
      tell(`${scene.name} (${workload}): ${lastLine(sums)}`)
      expect(
        rows.filter((row) => row.wrong !== '').map((row) => `${row.fault.name}: ${row.wrong}`),
        said.join('\n'),
      ).toEqual([])
      expect(sums.right, said.join('\n')).toBe(true)
    },
  )
})
