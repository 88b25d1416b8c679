/** The classic group protocol: join, sync, heartbeat, leave; static members; who is refused, and when. */
import { Member, subscriptionOf } from '../players.ts'
import type { Talk } from '../talk.ts'
import type { Script } from './script.ts'

/** The JoinGroup that was sent and is not answered yet has come there: a round has begun. */
async function begun(talk: Talk, groupId: string): Promise<void> {
  const admin = talk.kafka.groupAdmin(groupId)
  await talk.until(
    () => talk.ask(() => admin.describe()),
    ({ state }) => state === 'PreparingRebalance',
  )
  await admin.close()
}

export const groups: readonly Script[] = [
  {
    name: 'a group of one: join, sync, heartbeat, join again, leave; and requests of nobody',
    async play(talk, own) {
      const nobody = { memberId: 'nobody', generation: 1, instanceId: null }
      const a = new Member(talk, 'a', own)
      await a.heartbeat(nobody)
      await a.sync({}, undefined, nobody)
      await a.leave(nobody)
      await a.join({ memberId: 'nobody' })
      await a.join()
      await a.heartbeat()
      await a.join()
      await a.heartbeat()
      await a.sync({ [a.memberId]: 'x' }, 'another protocol')
      await a.sync({ [a.memberId]: 'x' }, undefined, { ...a.membership, generation: 9 })
      await a.sync({ [a.memberId]: 'first' })
      await a.heartbeat()
      await a.sync()
      await a.heartbeat(nobody)
      await a.heartbeat({ ...a.membership, generation: 0 })
      await a.heartbeat({ ...a.membership, generation: 2 })
      await a.heartbeat({ ...a.membership, instanceId: 'i' })
      await a.join()
      await a.heartbeat()
      await a.sync({ [a.memberId]: 'second' })
      await a.leave()
      await a.heartbeat()
      await a.sync()
      await a.join()
      await a.leave()
      const again = new Member(talk, 'again', own)
      await again.enter()
      await again.sync({})
      await again.leave()
    },
  },
  {
    name: 'two members: a rebalance is told by heartbeats, the old generation is refused behind it, sync waits for the leader',
    async play(talk, own) {
      const [a, b] = [new Member(talk, 'a', own), new Member(talk, 'b', own)]
      await a.enter()
      await a.sync({ [a.memberId]: 'alone' })
      await b.join()
      const joining = b.sendJoin()
      await begun(talk, own)
      await talk
        .until(
          () => a.heartbeat(),
          (code) => code === 27,
        )
        .finally(() => talk.lines.splice(-1))
      await a.heartbeat()
      await a.sync()
      const old = a.membership
      await a.join()
      b.joined(await talk.stage.run(joining))
      await a.heartbeat(old)
      await a.heartbeat()
      await b.heartbeat()
      const waiting = b.sendSync()
      await talk.stage.quiet()
      await b.heartbeat()
      await a.sync({ [a.memberId]: 'one', [b.memberId]: 'two' })
      b.synced(await talk.stage.run(waiting))
      await b.sync()
      await a.sync({ [a.memberId]: 'other', [b.memberId]: 'other' })
      await b.sync()
      await a.heartbeat()
      await b.heartbeat()
      await b.leave()
      await b.heartbeat()
      await a.heartbeat()
      await a.join()
      await a.sync({ [a.memberId]: 'alone again' })
      await a.leave()
    },
  },
  {
    name: 'who joins again with the same metadata: a follower at rest is answered at once, a leader begins a rebalance',
    async play(talk, own) {
      const [a, b] = [new Member(talk, 'a', own), new Member(talk, 'b', own)]
      await a.enter()
      await a.sync({ [a.memberId]: 'alone' })
      await b.join()
      const joining = b.sendJoin()
      await begun(talk, own)
      await a.join()
      b.joined(await talk.stage.run(joining))
      // Before the leader has answered: the same generation is told again.
      await b.join()
      await a.join()
      await a.sync({ [a.memberId]: 'one', [b.memberId]: 'two' })
      await b.sync()
      await b.join()
      await b.heartbeat()
      await b.sync()
      const rejoining = a.sendJoin()
      await begun(talk, own)
      await b.heartbeat()
      await b.join()
      a.joined(await talk.stage.run(rejoining))
      const waiting = b.sendSync()
      await talk.stage.quiet()
      // A new member while sync waits: those who wait are sent back to join.
      const c = new Member(talk, 'c', own)
      await c.join()
      const third = c.sendJoin()
      b.synced(await talk.stage.run(waiting))
      await a.sync({ [a.memberId]: 'late', [b.memberId]: 'late' })
      const [againA, againB] = [a.sendJoin(), b.sendJoin()]
      a.joined(await talk.stage.run(againA))
      b.joined(await talk.stage.run(againB))
      c.joined(await talk.stage.run(third))
      await c.leave()
      await a.leave()
      await b.leave()
    },
  },
  {
    name: 'a follower with other metadata begins a rebalance; one that joins and is gone is not waited for when it leaves',
    async play(talk, own) {
      const [a, b] = [new Member(talk, 'a', own), new Member(talk, 'b', own)]
      await a.enter()
      await a.sync({})
      await b.join()
      const joining = b.sendJoin()
      await begun(talk, own)
      await a.join()
      b.joined(await talk.stage.run(joining))
      await a.sync({ [a.memberId]: 'one' })
      await b.sync()
      const changed = b.sendJoin({ metadata: subscriptionOf('other') })
      await begun(talk, own)
      await a.heartbeat()
      await a.leave()
      b.joined(await talk.stage.run(changed))
      await b.sync({ [b.memberId]: 'alone' })
      const pending = new Member(talk, 'pending', own)
      await pending.join()
      await b.heartbeat()
      await pending.leave({ ...pending.membership, generation: -1 })
      await b.leave()
    },
  },
  {
    name: 'static members: taken over at rest without a rebalance, the one before fenced; a leader that comes back must not assign',
    async play(talk, own) {
      const a = new Member(talk, 'a', own, 'i-a')
      await a.join()
      await a.sync({ [a.memberId]: 'kept' })
      const b = new Member(talk, 'b', own, 'i-b')
      const joining = b.sendJoin()
      await begun(talk, own)
      await a.join()
      b.joined(await talk.stage.run(joining))
      await a.sync({ [a.memberId]: 'one', [b.memberId]: 'two' })
      await b.sync()
      const a2 = new Member(talk, 'a', own, 'i-a')
      await a2.join()
      await a2.sync({ [a2.memberId]: 'must not count' })
      await a.heartbeat()
      await a.sync()
      await a.join()
      await a.leave()
      await b.heartbeat()
      const b2 = new Member(talk, 'b', own, 'i-b')
      await b2.join()
      await b2.sync()
      await b.heartbeat()
      await b2.heartbeat()
      await a2.heartbeat()
      await b2.heartbeat({ ...b2.membership, instanceId: null })
      await b2.heartbeat({ ...b2.membership, instanceId: 'i-none' })
      await b2.heartbeat({ memberId: 'nobody', generation: 2, instanceId: 'i-b' })
      await b2.leave()
      await a2.heartbeat()
      await a2.leave()
    },
  },
  {
    name: 'static members: taken over while a rebalance is under way, and while sync waits',
    async play(talk, own) {
      const a = new Member(talk, 'a', own, 'i-a')
      await a.join()
      await a.sync({ [a.memberId]: 'kept' })
      const b = new Member(talk, 'b', own, 'i-b')
      const joining = b.sendJoin()
      await begun(talk, own)
      // b waits for a; its successor comes.
      const b2 = new Member(talk, 'b', own, 'i-b')
      const taking = b2.sendJoin()
      b.joined(await talk.stage.run(joining))
      await talk.stage.quiet()
      await a.heartbeat()
      await a.join()
      b2.joined(await talk.stage.run(taking))
      const waiting = b2.sendSync()
      await talk.stage.quiet()
      const b3 = new Member(talk, 'b', own, 'i-b')
      const third = b3.sendJoin()
      b2.synced(await talk.stage.run(waiting))
      await talk.stage.quiet()
      await a.heartbeat()
      await a.join()
      b3.joined(await talk.stage.run(third))
      await a.sync({ [a.memberId]: 'one', [b3.memberId]: 'three' })
      await b3.sync()
      await b3.leave()
      await a.leave()
    },
  },
  {
    name: 'a session that ends: the other hears of a rebalance, the one that was silent is unknown',
    async play(talk, own) {
      const [a, b] = [new Member(talk, 'a', own, null, 6_000), new Member(talk, 'b', own, null, 6_000)]
      await a.enter()
      await a.sync({})
      await b.join()
      const joining = b.sendJoin()
      await begun(talk, own)
      await a.join()
      b.joined(await talk.stage.run(joining))
      await a.sync({ [a.memberId]: 'one', [b.memberId]: 'two' })
      await b.sync()
      for (let i = 0; i < 3; i++) {
        await talk.stage.pause(1_000)
        await a.heartbeat()
      }
      await talk.until(
        () => a.heartbeat(),
        (code) => {
          talk.lines.pop()
          return code !== 0
        },
      )
      await a.heartbeat()
      await a.join()
      await b.heartbeat()
      await b.sync()
      await b.join()
      await a.sync({ [a.memberId]: 'alone' })
      await a.leave()
    },
  },
  {
    name: 'a member that does not join again in the time of the rebalance is out',
    async play(talk, own) {
      const [a, b] = [new Member(talk, 'a', own), new Member(talk, 'b', own)]
      await a.enter()
      await a.sync({})
      await b.join()
      const joining = b.sendJoin({ rebalanceTimeoutMs: 2_000 })
      await begun(talk, own)
      await a.join({ rebalanceTimeoutMs: 2_000 })
      b.joined(await talk.stage.run(joining))
      await a.sync({ [a.memberId]: 'one', [b.memberId]: 'two' })
      await b.sync()
      const alone = a.sendJoin({ rebalanceTimeoutMs: 2_000 })
      await begun(talk, own)
      await b.heartbeat()
      a.joined(await talk.stage.run(alone))
      await b.heartbeat()
      await a.sync({ [a.memberId]: 'alone' })
      await a.leave()
    },
  },
]
