/** InitProducerId: whom it lets in, what it ends, and whom it fences. */
import { committed, Producer, topic } from '../players.ts'
import type { Script } from './script.ts'

export const producerIds: readonly Script[] = [
  {
    name: 'InitProducerId: fresh, again, with the identity, with a stale epoch, of an id that nobody has',
    async play(talk, own) {
      const a = new Producer(talk, 'a', `${own}-a`, own)
      await a.init()
      const first = a.identity
      await a.init(first)
      await a.init(first)
      await a.init()
      await a.init(first)
      await a.init({ producerId: first.producerId, epoch: 77 })
      await a.init({ producerId: first.producerId + 1_000_000n, epoch: 0 })
      const never = new Producer(talk, 'never', `${own}-never`, own)
      await never.init({ producerId: first.producerId, epoch: first.epoch })
      await never.end(false)
    },
  },
  {
    name: 'InitProducerId over an open transaction ends it: fresh, and with the identity',
    async play(talk, own) {
      await topic(talk, own, 1)
      const at = { topic: own, partition: 0 }
      for (const how of ['fresh', 'identity', 'stale']) {
        const a = new Producer(talk, how, `${own}-${how}`, `${own}-${how}`)
        await a.init()
        await a.offsets([{ ...at, at: 1 }])
        await a.end(true)
        const before = a.identity
        await a.offsets([{ ...at, at: 2 }])
        if (how === 'stale') await a.init({ ...before, epoch: before.epoch - 1 }, true)
        else await a.init(how === 'fresh' ? null : before, true)
        await committed(talk, `${own}-${how}`, [at])
        await a.end(true, before)
        await a.end(false, before)
        await a.init()
        await a.offsets([{ ...at, at: 3 }])
        await a.end(true)
        await committed(talk, `${own}-${how}`, [at])
      }
    },
  },
  {
    name: 'a restarted owner fences the one before it, in every request',
    async play(talk, own) {
      await topic(talk, own, 2)
      const at = { topic: own, partition: 0 }
      const old = new Producer(talk, 'old', own, own)
      await old.init()
      await old.offsets([{ ...at, at: 1 }])
      await old.produce([{ ...at, values: ['x'] }])
      const young = new Producer(talk, 'young', own, own)
      await young.init()
      await old.produce([{ ...at, values: ['y'], sequence: 1 }])
      await old.produce([{ topic: own, partition: 1, values: ['y'] }])
      await old.offsets([{ ...at, at: 2 }])
      await old.end(true)
      await old.end(false)
      await old.init(old.identity)
      await committed(talk, own, [at])
      await young.offsets([{ ...at, at: 5 }])
      await young.end(true)
      await committed(talk, own, [at])
    },
  },
  {
    name: 'a fence of a finished transaction harms nobody: by the epoch before, and by the present one',
    async play(talk, own) {
      await topic(talk, own, 1)
      const at = { topic: own, partition: 0 }
      const a = new Producer(talk, 'a', own, own)
      await a.init()
      const before = a.identity
      await a.offsets([{ ...at, at: 1 }])
      await a.end(true)
      const present = a.identity
      const fence = async (what: string, identity: typeof before): Promise<void> =>
        talk.note(`fence ${what}`, await talk.ask(() => talk.kafka.transactions.fence(own, identity)))
      await fence('before', before)
      await a.offsets([{ ...at, at: 2 }])
      await a.end(true)
      await fence('before', before)
      await fence('present', present)
      await a.offsets([{ ...at, at: 3 }])
      await a.end(true)
      await fence('current', a.identity)
      await a.offsets([{ ...at, at: 4 }])
      await a.end(true)
      await committed(talk, own, [at])
    },
  },
]
