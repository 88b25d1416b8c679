/** Fetch read_committed: last stable offset, aborted transactions, markers as gaps, ends, ids of topics. */
import { Producer, Reader, topic } from '../players.ts'
import type { Script } from './script.ts'

export const fetches: readonly Script[] = [
  {
    name: 'Fetch: what is open is held back; high watermark, last stable offset; markers are gaps',
    async play(talk, own) {
      await topic(talk, own, 1)
      const at = { topic: own, partition: 0 }
      const reader = new Reader(talk)
      await reader.fetch({ ...at, from: 0 })
      await reader.fetch({ ...at, from: 1 })
      const a = new Producer(talk, 'a', `${own}-a`, own)
      const b = new Producer(talk, 'b', `${own}-b`, own)
      await a.init()
      await b.init()
      await a.produce([{ ...at, values: ['a0', 'a1'] }])
      await b.produce([{ ...at, values: ['b0'] }])
      await reader.fetch({ ...at, from: 0 })
      await reader.fetch({ ...at, from: 2 })
      await reader.fetch({ ...at, from: 3 })
      await reader.fetch({ ...at, from: 4 })
      await b.end(true)
      await reader.fetch({ ...at, from: 0 }, ({ highWatermark }) => highWatermark === 4)
      await a.produce([{ ...at, values: ['a2'], sequence: 2 }])
      await a.end(false)
      await reader.stable({ ...at, from: 0 }, 6)
      for (const from of [1, 2, 3, 4, 5, 6]) await reader.fetch({ ...at, from })
    },
  },
  {
    name: 'Fetch: several aborted transactions of a producer, interleaved with others, cut by size and begun anywhere',
    async play(talk, own) {
      await topic(talk, own, 1)
      const at = { topic: own, partition: 0 }
      const reader = new Reader(talk)
      const a = new Producer(talk, 'a', `${own}-a`, own)
      const b = new Producer(talk, 'b', `${own}-b`, own)
      await a.init()
      await b.init()
      const x = 'x'.repeat(500)
      await a.produce([{ ...at, values: [x, x] }])
      await a.end(false)
      await reader.stable({ ...at, from: 0 }, 3)
      await b.produce([{ ...at, values: [x] }])
      await a.produce([{ ...at, values: [x] }])
      await a.end(false)
      await reader.fetch({ ...at, from: 0 }, ({ highWatermark }) => highWatermark === 6)
      await a.produce([{ ...at, values: [x] }])
      await b.end(false)
      // The high watermark passes a marker a moment before the last stable offset does.
      await reader.fetch(
        { ...at, from: 0 },
        ({ highWatermark, lastStableOffset }) => highWatermark === 8 && lastStableOffset === 6,
      )
      await a.produce([{ ...at, values: [x], sequence: 1 }])
      await a.end(true)
      await reader.stable({ ...at, from: 0 }, 10)
      for (let from = 0; from <= 10; from++) await reader.fetch({ ...at, from })
      for (const maxBytes of [1, 1_100, 2_000, 3_000]) await reader.fetch({ ...at, from: 0, maxBytes })
    },
  },
  {
    name: 'Fetch: topics and partitions that are not there',
    async play(talk, own) {
      await topic(talk, own, 1)
      const reader = new Reader(talk)
      await reader.fetch({ topic: own, partition: 7, from: 0 })
      await reader.fetch({ topic: `${own}-none`, partition: 0, from: 0 })
    },
  },
  {
    name: 'Fetch: a topic that was deleted and created again is not read as if it were the old one',
    async play(talk, own) {
      await topic(talk, own, 1)
      const at = { topic: own, partition: 0 }
      const reader = new Reader(talk)
      const id = async (): Promise<string> => {
        const info = (await talk.stage.run(talk.kafka.admin.topics([own]))).get(own)
        return info ? talk.names.name('T', info.topicId) : 'none'
      }
      await reader.fetch({ ...at, from: 0 })
      talk.note('id', await id())
      await talk.stage.deleteTopic(own)
      talk.note('id', await talk.until(id, (answer) => answer === 'none'))
      await topic(talk, own, 1)
      talk.note('id', await talk.until(id, (answer) => answer !== 'none'))
      await reader.fetch({ ...at, from: 0 }, ({ code }) => code !== 0 && code !== 3)
      await new Reader(talk).fetch({ ...at, from: 0 })
    },
  },
]
