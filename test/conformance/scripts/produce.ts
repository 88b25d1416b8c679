/** Produce and EndTxn: sequences, repetitions, epochs, several partitions, both ends, twice, empty. */
import { position } from '../../../engine/core/numbers.ts'
import { recordBatch } from '../../integration/kafka-support.ts'
import { committed, Producer, Reader, topic } from '../players.ts'
import type { Script } from './script.ts'

export const produces: readonly Script[] = [
  {
    name: 'Produce: in sequence, repeated, with a gap, from behind; sequences begin at 0 with every transaction',
    async play(talk, own) {
      await topic(talk, own, 2)
      const at = { topic: own, partition: 0 }
      const a = new Producer(talk, 'a', own, own)
      await a.init()
      await a.produce([{ ...at, values: ['a', 'b'] }])
      await a.produce([{ ...at, values: ['a', 'b'] }])
      await a.produce([{ ...at, values: ['c'], sequence: 2 }])
      await a.produce([{ ...at, values: ['a', 'b'] }])
      await a.produce([{ ...at, values: ['e'], sequence: 7 }])
      await a.produce([{ ...at, values: ['b'], sequence: 1 }])
      await a.produce([{ topic: own, partition: 1, values: ['first is not 0'], sequence: 3 }])
      await a.end(false)
      await a.produce([{ ...at, values: ['d'], sequence: 3 }])
      await a.produce([{ ...at, values: ['d'] }])
      await a.produce([{ topic: own, partition: 1, values: ['d'], sequence: 5 }])
      await a.end(true)
      await a.produce([{ ...at, values: ['f'], sequence: 1 }])
      await a.end(false)
    },
  },
  {
    name: 'Produce: more repetitions than a broker remembers',
    async play(talk, own) {
      await topic(talk, own, 1)
      const at = { topic: own, partition: 0 }
      const a = new Producer(talk, 'a', own, own)
      await a.init()
      for (let sequence = 0; sequence < 7; sequence++) await a.produce([{ ...at, values: ['x'], sequence }])
      for (let sequence = 0; sequence < 7; sequence++) await a.produce([{ ...at, values: ['x'], sequence }])
      await a.end(true)
    },
  },
  {
    name: 'Produce: stale epoch, future epoch, another producer, no transactional id, a batch that is too large',
    async play(talk, own) {
      await topic(talk, own, 3, { 'max.message.bytes': '2000' })
      const at = { topic: own, partition: 0 }
      const a = new Producer(talk, 'a', own, own)
      const other = new Producer(talk, 'other', `${own}-other`, own)
      await a.init()
      await other.init()
      await a.produce([{ ...at, values: ['x'] }])
      const stale = a.identity
      await a.end(true)
      await new Reader(talk).stable({ ...at, from: 0 }, 2)
      await a.produce([{ ...at, values: ['late'] }], stale)
      await a.produce([{ ...at, values: ['late'], sequence: 1 }], stale)
      await a.produce([{ topic: own, partition: 1, values: ['late'] }], stale)
      await a.produce([{ ...at, values: ['early'] }], { ...a.identity, epoch: a.identity.epoch + 1 })
      await a.produce([{ ...at, values: ['of another'] }], other.identity)
      await a.produce([
        { ...at, values: ['y'.repeat(3_000)] },
        { topic: own, partition: 1, values: ['small'] },
        { topic: `${own}-none`, partition: 0, values: ['nowhere'] },
      ])
      await a.end(false)
      const bytes = recordBatch(a.identity, ['transactional, by nobody'])
      const [answer] = await talk.ask(() => talk.kafka.publisher().publish([{ topic: own, partition: 2, bytes }]))
      talk.note('Produce without a transactional id', { code: answer!.code })
      await talk.stage.run(talk.kafka.admin.listOffsets([{ topic: own, partition: 2 }], 'latest')).then((ends) =>
        talk.note(
          'what of it is there',
          ends.map(({ position }) => ({ position })),
        ),
      )
    },
  },
  {
    name: 'EndTxn: commit and abort, twice, the opposite, empty, with a wrong epoch',
    async play(talk, own) {
      await topic(talk, own, 2)
      const at = { topic: own, partition: 0 }
      const a = new Producer(talk, 'a', own, own)
      await a.init()
      await a.end(true)
      await a.end(false)
      await a.end(true)
      for (const commit of [true, false]) {
        await a.offsets([{ ...at, at: commit ? 1 : 2 }])
        await a.produce([{ ...at, values: ['x'] }])
        const before = a.identity
        await a.end(commit)
        await a.end(commit, before)
        await a.end(!commit, before)
        await a.end(commit, { ...before, epoch: before.epoch - 1 })
        await a.end(commit, { ...before, epoch: before.epoch + 5 })
        await a.end(commit, { producerId: before.producerId + 1_000_000n, epoch: before.epoch })
        await committed(talk, own, [at])
      }
      await a.offsets([{ ...at, at: 3 }])
      const before = a.identity
      await a.end(false)
      await a.end(false)
      await a.end(false, before)
      await a.end(true, before)
      await committed(talk, own, [at])
    },
  },
  {
    name: 'nothing of transaction N gets into N+1',
    async play(talk, own) {
      await topic(talk, own, 1)
      const at = { topic: own, partition: 0 }
      const a = new Producer(talk, 'a', own, own)
      await a.init()
      await a.offsets([{ ...at, at: 1 }])
      const late = a.identity
      await a.end(true)
      await a.offsets([{ ...at, at: 2 }])
      await a.end(true, late)
      await a.end(false, late)
      await a.offsets([{ ...at, at: 99 }], undefined, late)
      await a.produce([{ ...at, values: ['late'] }], late)
      await a.end(true)
      await committed(talk, own, [at])
    },
  },
  {
    name: 'several partitions in one transaction: all of it or none of it',
    async play(talk, own) {
      await topic(talk, own, 3)
      const a = new Producer(talk, 'a', own, own)
      await a.init()
      const everywhere = (text: string, sequence = 0) =>
        [0, 1, 2].map((partition) => ({ topic: own, partition, values: [text, text], sequence }))
      await a.produce(everywhere('a'))
      await a.produce(everywhere('b', 2))
      await a.end(false)
      await a.produce(everywhere('c'))
      await a.offsets([{ topic: own, partition: 0, at: 1 }])
      await a.end(true)
      const reader = new Reader(talk)
      for (const partition of [0, 1, 2]) await reader.stable({ topic: own, partition, from: 0 }, 8)
      const ends = await talk.stage.run(
        talk.kafka.admin.listOffsets(
          [0, 1, 2, 3].map((partition) => ({ topic: own, partition })),
          'latest',
        ),
      )
      talk.note(
        'ListOffsets latest',
        ends.map(({ partition, code, position }) => ({ partition, code, position })),
      )
    },
  },
  {
    name: 'DeleteRecords and ListOffsets: up to a position, beyond the end, of partitions that are not there',
    async play(talk, own) {
      await topic(talk, own, 2)
      const a = new Producer(talk, 'a', own, own)
      await a.init()
      for (const commit of [true, false, true]) {
        await a.produce([{ topic: own, partition: 0, values: ['x', 'y', 'z'] }])
        await a.end(commit)
      }
      const reader = new Reader(talk)
      const at = { topic: own, partition: 0 }
      await reader.stable({ ...at, from: 0 }, 12)
      const remove = async (partition: number, before: number): Promise<void> => {
        const asked = [{ topic: own, partition, position: position(before) }]
        const answer = await talk.stage.run(talk.kafka.admin.deleteRecords(asked))
        talk.note(
          `DeleteRecords ${partition} before ${before}`,
          answer.map(({ code }) => ({ code })),
        )
      }
      const list = async (): Promise<void> => {
        for (const which of ['earliest', 'latest'] as const) {
          const partitions = [0, 1, 7].map((partition) => ({ topic: own, partition }))
          const answer = await talk.stage.run(talk.kafka.admin.listOffsets(partitions, which))
          talk.note(
            `ListOffsets ${which}`,
            answer.map(({ partition, code, position }) => ({ partition, code, position })),
          )
        }
      }
      await list()
      await remove(0, 2)
      await reader.fetch({ ...at, from: 0 })
      await reader.fetch({ ...at, from: 1 })
      await reader.fetch({ ...at, from: 2 })
      await remove(0, 1)
      await remove(0, 5)
      await list()
      await reader.fetch({ ...at, from: 5 })
      await remove(0, 99)
      await remove(1, 1)
      await remove(7, 0)
      await remove(0, 12)
      await list()
      await reader.fetch({ ...at, from: 12 })
      await reader.fetch({ ...at, from: 13 })
    },
  },
]

/** Each request meets the markers of the transaction before now and then: asked again, it is answered as ever. */
export const windows: Script = {
  name: 'back to back: what comes while markers are being written is asked again, and nothing else is different',
  async play(talk, own) {
    const partitions = [0, 1, 2, 3, 4, 5, 6, 7]
    await topic(talk, own, partitions.length)
    const at = { topic: own, partition: 0 }
    const a = new Producer(talk, 'a', own, own)
    await a.init()
    for (let round = 0; round < 12; round++) {
      await a.offsets([{ ...at, at: round }])
      await a.produce(partitions.map((partition) => ({ topic: own, partition, values: ['x'] })))
      const before = a.identity
      await a.end(round % 3 !== 2)
      if (round % 4 === 1) await a.end(round % 3 !== 2, before)
      if (round % 4 === 2) await a.init()
      if (round % 4 === 3) await a.init(a.identity)
    }
    await committed(talk, own, [at])
    await new Reader(talk).stable({ ...at, from: 0 }, 24)
  },
}
