/**
 * Two clients that are not ours and have nothing in common, Java's and librdkafka, read what killed processes have left:
 * record for record the same, committed and not. PROOF_SEED repeats a run.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newSeed } from '../faults/feed/random.ts'
import { Cluster } from '../faults/harness/cluster.ts'
import { type Kill, killInTransaction } from '../faults/harness/kills.ts'
import { impossible, size, tell } from '../faults/harness/proof.ts'
import { Scenario } from '../faults/harness/scenario.ts'
import { dumpTopics } from '../java/log-dump.ts'
import type { LogRecord } from '../java/log-record.ts'
import { librdkafka } from '../python/librdkafka.ts'

const python = await librdkafka()
const skipped = (await impossible()) || python.reason
const seed = newSeed()
const KILLS = size('READERS_KILLS', 2)

const lineOf = ({ partition, offset, timestampMs, key, value, headers }: LogRecord): string =>
  JSON.stringify([
    partition,
    offset,
    timestampMs,
    key?.toString('base64') ?? null,
    value?.toString('base64') ?? null,
    headers.map(([name, bytes]) => [name, bytes?.toString('base64') ?? null]),
  ])
const lines = (records: readonly LogRecord[]): string[] =>
  records.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset).map(lineOf)

describe.skipIf(skipped !== '')(`two readers, seed ${seed} ${skipped}`, { timeout: 300_000 }, () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start()
  }, 180_000)
  afterAll(() => cluster?.stop())

  test('Java and librdkafka agree on every record of every topic, committed and dirty', async () => {
    const scenario = await Scenario.create(cluster)
    try {
      const environment = { GROUP_INSTANCE_ID: 'only' }
      let service = await scenario.ready(environment)
      const feeder = scenario.feed({ seed, mode: 'spread', perSecond: 200 })
      let enough = false
      const feeding = feeder.run(() => enough)
      const fallen: Kill[] = []
      // Until one was inside a transaction with records: else there is nothing to hide.
      while (fallen.length < KILLS || (!fallen.some((k) => k.withRecords) && fallen.length < 4 * KILLS)) {
        fallen.push(await killInTransaction(cluster, scenario, service, true))
        service = await scenario.ready(environment)
      }
      enough = true
      await feeding
      const report = await scenario.finish()
      expect(report.text).toBe('')

      const { application, topics } = scenario
      const all = [
        ...Object.values(topics),
        ...['changelog', 'repartition', 'dead-letters'].map((name) => `${application}-${name}`),
      ]
      const { bootstrapServers } = cluster
      const java = await dumpTopics(bootstrapServers, all)
      const committed = await python.read(bootstrapServers, all, 'read_committed')
      const everything = await python.read(bootstrapServers, all, 'read_uncommitted')
      let records = 0
      let dirty = 0
      for (const topic of all) {
        const dump = java.get(topic)!
        expect(lines(committed.get(topic)!), `${topic}, read_committed`).toEqual(lines(dump.committed))
        const both = [...dump.committed, ...dump.dirty]
        expect(lines(everything.get(topic)!), `${topic}, read_uncommitted`).toEqual(lines(both))
        records += dump.committed.length
        dirty += dump.dirty.length
      }
      tell(`two readers: ${records} committed records, ${dirty} dirty, over ${all.length} topics`)
      expect(records).toBeGreaterThan(500)
      // Else it was not shown that there was something to hide.
      expect(dirty).toBeGreaterThan(0)
    } finally {
      await scenario.close()
    }
  })
})
