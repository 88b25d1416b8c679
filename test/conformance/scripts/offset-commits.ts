/** TxnOffsetCommit and OffsetFetch: who may commit, what is pending, who wins. */
import { position } from '../../../engine/core/numbers.ts'
import { committed, Member, outsider, Producer, topic } from '../players.ts'
import type { Script } from './script.ts'

export const offsetCommits: readonly Script[] = [
  {
    name: 'TxnOffsetCommit by members and others: group without members, wrong member, generation, instance',
    async play(talk, own) {
      await topic(talk, own, 2)
      const at = { topic: own, partition: 0 }
      const a = new Producer(talk, 'a', own, own)
      await a.init()
      await a.offsets([{ ...at, at: 1 }], { memberId: 'nobody', generation: 5, instanceId: null })
      await a.end(false)
      await a.offsets([{ ...at, at: 1 }], { memberId: 'nobody', generation: -1, instanceId: null })
      await a.end(false)
      await a.offsets([{ ...at, at: 1 }])
      await a.end(true)
      const m = new Member(talk, 'm', own)
      await m.enter()
      await a.offsets([{ ...at, at: 2 }], m.membership)
      await m.sync({ [m.memberId]: 'all' })
      await a.offsets([{ ...at, at: 3 }], m.membership)
      await a.end(true)
      for (const generation of [0, 2, -1]) {
        await a.offsets([{ ...at, at: 9 }], { ...m.membership, generation })
        await a.end(false)
      }
      await a.offsets([{ ...at, at: 9 }], { memberId: 'nobody', generation: 1, instanceId: null })
      await a.end(false)
      await a.offsets([{ ...at, at: 9 }], { ...m.membership, instanceId: 'static' })
      await a.end(false)
      await a.offsets([{ ...at, at: 9 }], outsider)
      await a.end(false)
      await m.leave()
      await a.offsets([{ ...at, at: 9 }], m.membership)
      await a.end(false)
      await committed(talk, own, [at, { topic: own, partition: 1 }])
    },
  },
  {
    name: 'TxnOffsetCommit with a wrong epoch or producer, several partitions, an unknown topic',
    async play(talk, own) {
      await topic(talk, own, 3)
      const on = (partition: number, at: number) => ({ topic: own, partition, at })
      const a = new Producer(talk, 'a', own, own)
      const other = new Producer(talk, 'other', `${own}-other`, own)
      await a.init()
      await other.init()
      await a.offsets([on(0, 1)], outsider, { ...a.identity, epoch: a.identity.epoch + 1 })
      await a.offsets([on(0, 1)], outsider, { ...a.identity, epoch: a.identity.epoch - 1 })
      await a.offsets([on(0, 1)], outsider, other.identity)
      await a.offsets([on(0, 1), on(1, 2), on(2, 3)])
      await other.offsets([on(1, 6)], outsider, a.identity)
      await a.offsets([on(1, 7)])
      await a.end(true)
      await committed(
        talk,
        own,
        [0, 1, 2].map((partition) => ({ topic: own, partition })),
      )
      await committed(talk, own, [{ topic: own, partition: 8 }])
      await a.offsets([{ topic: `${own}-none`, partition: 0, at: 1 }])
      await a.end(true)
      await a.offsets([on(0, 5), { topic: `${own}-none`, partition: 0, at: 1 }, on(7, 7)])
      await a.end(false)
    },
  },
  ...[true, false].map(
    (laterFirst): Script => ({
      name: `two producers commit one partition: the later TxnOffsetCommit wins (its EndTxn ${laterFirst ? 'first' : 'last'})`,
      async play(talk, own) {
        await topic(talk, own, 1)
        const at = { topic: own, partition: 0 }
        const early = new Producer(talk, 'early', `${own}-early`, own)
        const late = new Producer(talk, 'late', `${own}-late`, own)
        await early.init()
        await late.init()
        await early.offsets([{ ...at, at: 20 }])
        await late.offsets([{ ...at, at: 10 }])
        const [one, two] = laterFirst ? [late, early] : [early, late]
        await one.end(true)
        await committed(talk, own, [at], false, ({ offsets }) => offsets.length > 0)
        await two.end(true)
        await committed(talk, own, [at])
        await early.offsets([{ ...at, at: 30 }])
        await late.offsets([{ ...at, at: 40 }])
        await late.end(false)
        await early.end(true)
        await committed(talk, own, [at])
      },
    }),
  ),
  {
    name: 'OffsetFetch while offsets are pending: stable waits for what it asks about, the others are told',
    async play(talk, own) {
      await topic(talk, own, 2)
      const [zero, one] = [0, 1].map((partition) => ({ topic: own, partition })) as [
        { topic: string; partition: number },
        { topic: string; partition: number },
      ]
      const a = new Producer(talk, 'a', own, own)
      await a.init()
      await committed(talk, own, [zero, one])
      await a.offsets([
        { ...zero, at: 1 },
        { ...one, at: 1 },
      ])
      await a.end(true)
      await committed(talk, own, [zero, one])
      await a.offsets([{ ...zero, at: 2 }])
      await committed(talk, own, [zero], true, () => true)
      await committed(talk, own, [one], true, () => true)
      await committed(talk, own, [zero, one], true, () => true)
      await committed(talk, own, [zero, one], false)
      await a.end(false)
      await committed(talk, own, [zero, one])
      await a.offsets([{ ...zero, at: 3 }])
      await a.end(true)
      await committed(talk, own, [zero, one])
    },
  },
  {
    name: 'offsets committed from outside: only while the group has no members',
    async play(talk, own) {
      await topic(talk, own, 1)
      const at = { topic: own, partition: 0 }
      const admin = talk.kafka.groupAdmin(own)
      const offsets = { ...at, position: position(4) }
      const describe = async (): Promise<void> => {
        const { code, state, members } = await talk.ask(() => admin.describe())
        talk.note('DescribeGroups', { code, state, members: members.map((m) => talk.names.member(m.memberId)).sort() })
      }
      const commit = async (): Promise<void> =>
        talk.note(
          'OffsetCommit',
          await talk.ask(async () => (await admin.commit([offsets])).map(({ code }) => ({ code }))),
        )
      await describe()
      await commit()
      await describe()
      const m = new Member(talk, 'm', own)
      await m.join()
      await describe()
      await m.join()
      await describe()
      await commit()
      await m.sync({ [m.memberId]: '' })
      await describe()
      await commit()
      await m.leave()
      await describe()
      await commit()
      await committed(talk, own, [at])
    },
  },
]
