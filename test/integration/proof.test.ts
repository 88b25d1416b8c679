/**
 * The proof, on the real stack, that nothing is lost, doubled or reordered: own broker and Redis, the service as processes,
 * outputs read by Kafka's own console consumer, and a checker that shares nothing with the engine (test/faults).
 * Sizes: PROOF_COMMANDS, PROOF_KILLS, PROOF_EXACT; PROOF_SEED repeats a run.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkSame } from '../faults/checker/exact.ts'
import { Report } from '../faults/checker/report.ts'
import { exactRun } from '../faults/feed/exact-run.ts'
import { below, newSeed, seeded } from '../faults/feed/random.ts'
import { Cluster } from '../faults/harness/cluster.ts'
import { type Kill, killAtRandom, killInTransaction } from '../faults/harness/kills.ts'
import { sendPaced } from '../faults/harness/pace.ts'
import { impossible, size, tell } from '../faults/harness/proof.ts'
import { Scenario } from '../faults/harness/scenario.ts'

const skipped = await impossible()
const seed = newSeed()

describe.skipIf(skipped !== '')(`proof, seed ${seed} ${skipped}`, { timeout: 600_000 }, () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start()
  }, 180_000)
  afterAll(() => cluster?.stop())

  async function scenario(use: (scenario: Scenario) => Promise<void>, options = {}): Promise<void> {
    const one = await Scenario.create(cluster, options)
    try {
      await use(one)
    } finally {
      await one.close()
    }
  }

  test('two topics of different widths, spread without regard to the key: each input has exactly its outputs', () =>
    scenario(async (s) => {
      const commands = size('COMMANDS', 20_000)
      await s.ready()
      const feeder = s.feed({ seed, mode: 'spread', perSecond: 5_000, population: 1_000 })
      await feeder.run(() => feeder.sent >= commands)
      const report = await s.finish()
      tell(`spread: ${JSON.stringify(report.facts)}`)
      expect(report.text).toBe('')
      expect(report.facts['inputs']).toBeGreaterThanOrEqual(commands)
      const verified = await s.verify()
      expect(verified.code, verified.output).toBe(0)
    }))

  test('killed at random and inside open transactions: nothing lost, nothing doubled, order kept', () =>
    scenario(async (s) => {
      const kills = size('KILLS', 10)
      const random = seeded(seed)
      const environment = { GROUP_INSTANCE_ID: 'only' }
      let service = await s.ready(environment)
      const feeder = s.feed({ seed, mode: 'spread', perSecond: 400 })
      let enough = false
      const feeding = feeder.run(() => enough)
      const fallen: Kill[] = []
      const inside = (): number => fallen.filter((k) => k.insideTransaction).length
      // A transaction that was seen open may have ended before the signal came: kills go on until enough were inside.
      while (fallen.length < kills || (inside() < kills / 2 && fallen.length < 4 * kills)) {
        const whileStarting = random() < 0.15
        if (!whileStarting) await service.ready
        const inTransaction = !whileStarting && random() < 0.8
        fallen.push(
          inTransaction
            ? await killInTransaction(cluster, s, service, random() < 0.7)
            : await killAtRandom(cluster, s, service, random, 1_500),
        )
        service = await s.start(environment)
      }
      await service.ready
      enough = true
      await feeding
      const report = await s.finish()
      const withRecords = fallen.filter((k) => k.withRecords).length
      tell(
        `kills: ${fallen.length}, ${inside()} inside an open transaction, ${withRecords} with records in it: ${JSON.stringify(report.facts)}`,
      )
      expect(report.text).toBe('')
      expect(inside(), 'kills inside an open transaction').toBeGreaterThanOrEqual(kills / 2)
      // Else it was never shown that there was something to be hidden from a read_committed client.
      expect(report.facts['dirty'], 'aborted records that a read_uncommitted client sees').toBeGreaterThan(0)
    }))

  test('one source, at home, fixed timestamps: killed or not, the same bytes', () =>
    scenario(async (killed) => {
      const random = seeded(seed + 1)
      const count = size('EXACT', 4_000)
      const messages = exactRun({
        seed,
        topic: killed.topics.commands,
        tasks: 4,
        stride: 4,
        count,
        startMs: Date.now(),
      })
      const environment = { GROUP_INSTANCE_ID: 'only' }
      let service = await killed.ready(environment)
      let hurry = false
      const sending = sendPaced(killed.sender, messages, 400, () => hurry)
      const fallen: Kill[] = []
      const isShown = (): boolean => fallen.some((k) => k.withRecords)
      // Until one was inside a transaction with records: else there is nothing to hide.
      while (fallen.length < 4 || (!isShown() && fallen.length < 16)) {
        await service.ready
        fallen.push(await killInTransaction(cluster, killed, service, below(random, 2) === 0 || !isShown()))
        service = await killed.start(environment)
      }
      await service.ready
      hurry = true
      await sending
      const expected = exactEvents(messages)
      expect(await killed.until((arrivals) => arrivals.length >= expected)).toBe(true)
      const first = await killed.finish(true)
      await scenario(
        async (undisturbed) => {
          await undisturbed.ready()
          expect(await undisturbed.until((arrivals) => arrivals.length >= expected)).toBe(true)
          const second = await undisturbed.finish(true)
          const same = new Report()
          checkSame('status', killed.printed.status, undisturbed.printed.status, same)
          checkSame('saga', killed.printed.saga, undisturbed.printed.saga, same)
          tell(`same bytes: ${JSON.stringify(first.facts)}`)
          expect(first.text + second.text).toBe('')
          expect(same.text).toBe('')
          expect(first.facts['dirty']).toBeGreaterThan(0)
          expect(second.facts['dirty']).toBe(0)
        },
        { inputsOf: killed },
      )
    }))

  test('SIGTERM under load ends soon, and the successor goes on exactly behind', () =>
    scenario(async (s) => {
      const service = await s.ready()
      const feeder = s.feed({ seed, mode: 'spread', perSecond: 1_000 })
      let enough = false
      const feeding = feeder.run(() => enough)
      await s.until((arrivals) => arrivals.length > 1_000)
      const { ms, code } = await service.terminate()
      const successor = await s.ready()
      const before = s.arrivals.length
      await s.until((arrivals) => arrivals.length > before + 200)
      enough = true
      await feeding
      const report = await s.finish()
      tell(`SIGTERM: ${Math.round(ms)} ms: ${JSON.stringify(report.facts)}`)
      expect(report.text).toBe('')
      expect(code).toBe(0)
      // It is to end within 2 s; a busy machine gets three times as long.
      expect(ms).toBeLessThan(6_000)
      expect(report.facts['dirty'], 'records of an aborted transaction: work that was done twice').toBe(0)
      expect(successor.log.filter(({ fields }) => fields['msg'] === 'transaction')).toEqual([])
    }))
})

/** How many status events an exact run has: one for each CREATE, one for each note that is discarded. */
function exactEvents(messages: ReturnType<typeof exactRun>): number {
  let events = 0
  const made = new Set<number>()
  const sequence = new Map<number, number>()
  for (const { value, partition } of messages) {
    const { type, body } = JSON.parse(value!.toString())
    if (type === 'CREATE') {
      const n = sequence.get(partition) ?? 0
      sequence.set(partition, n + 1)
      made.add(n * 4 + partition + 1)
      events++
    } else for (const id of body.noteIds) if (made.delete(id)) events++
  }
  return events
}
