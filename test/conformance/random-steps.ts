/**
 * Scripts that chance writes: from one seed the same steps for every stage, drawn before anything is answered. Two kinds:
 * producers that write, commit, repeat themselves and fence each other; and members that come, go and talk out of turn.
 */
import type { JoinAnswer, ProducerIdentity } from '../../engine/ports.ts'
import { Random } from '../simulation/random.ts'
import { readable } from './names.ts'
import { committed, Member, outsider, PROTOCOL, Producer, Reader, subscriptionOf, topic } from './players.ts'
import type { Script } from './scripts/script.ts'
import type { Talk } from './talk.ts'

const PARTITIONS = 2
const PRODUCERS = ['a', 'b']

/** What a producer is asked to be: itself, what it was, or the other. */
type Who = 'now' | 'before' | 'first' | 'later' | 'other'

export function randomTransactions(seed: number, steps: number): Script {
  return {
    name: `transactions of seed ${seed}`,
    async play(talk, own) {
      const random = new Random(seed)
      await topic(talk, own, PARTITIONS)
      const producers = PRODUCERS.map((name) => new Actor(talk, name, own))
      for (const producer of producers) await producer.init('fresh')
      const member = new Member(talk, 'm', own)
      await member.enter()
      await member.sync({ [member.memberId]: 'all' })
      for (let step = 0; step < steps; step++) {
        const actor = random.pick(producers)
        const other = producers.find((p) => p !== actor)!
        const who: Who = random.chance(0.75) ? 'now' : random.pick(['before', 'first', 'later', 'other'] as const)
        const identity = actor.as(who, other)
        const partition = random.below(PARTITIONS)
        const commit = random.chance(0.6)
        const kind = random.below(100)
        if (kind < 30) {
          const sequence = random.chance(0.8) ? actor.nextSequence(partition) : random.below(4)
          await actor.produce(own, partition, sequence, random.between(1, 3), identity)
        } else if (kind < 50) {
          const membership = random.chance(0.7)
            ? member.membership
            : random.pick([outsider, { ...member.membership, generation: 9 }, { ...outsider, memberId: 'x' }])
          const offsets = [{ topic: own, partition, at: random.below(50) }]
          // What the group's partition has heard of another's epochs is more than a model needs to know.
          await actor.producer.offsets(offsets, membership, who === 'other' ? actor.producer.identity : identity)
        } else if (kind < 80) await actor.end(commit, identity)
        else if (kind < 86) await actor.init(random.pick(['fresh', 'now', 'before', 'first'] as const), identity)
        else if (kind < 88) await actor.fence(identity)
        else if (kind < 94) {
          const at = { topic: own, partition }
          // Pending or not is clear at once; what a transaction has decided comes with its marker.
          await settle(talk, producers)
          await committed(talk, own, [at], random.chance(0.5), () => true)
        } else {
          await settle(talk, producers)
          await new Reader(talk).fetch({
            topic: own,
            partition,
            from: random.below(8),
            maxBytes: random.pick([1, 150, 10_000]),
          })
        }
        // Markers are written a moment after EndTxn is answered: where they lie must not depend on it.
        await settle(talk, producers)
      }
      for (let partition = 0; partition < PARTITIONS; partition++)
        await new Reader(talk).fetch({ topic: own, partition, from: 0 })
      await committed(
        talk,
        own,
        [0, 1].map((partition) => ({ topic: own, partition })),
        false,
      )
      await member.leave()
    },
  }
}

/** No transaction has markers to come. */
async function settle(talk: Talk, actors: readonly Actor[]): Promise<void> {
  for (const { producer } of actors)
    await talk.until(
      () => talk.ask(() => talk.kafka.transactions.describe(producer.transactionalId)),
      ({ state }) => !state.startsWith('Prepare'),
    )
}

class Actor {
  readonly producer: Producer
  readonly #talk: Talk
  readonly #past: ProducerIdentity[] = []
  readonly #sequences = new Map<number, number>()

  constructor(talk: Talk, name: string, own: string) {
    this.#talk = talk
    this.producer = new Producer(talk, name, `${own}-${name}`, own)
  }

  as(who: Who, other: Actor): ProducerIdentity {
    const now = this.producer.identity
    if (who === 'before') return this.#past.at(-1) ?? now
    if (who === 'first') return this.#past[0] ?? now
    if (who === 'later') return { ...now, epoch: now.epoch + 1 }
    return who === 'other' ? other.producer.identity : now
  }

  nextSequence(partition: number): number {
    return this.#sequences.get(partition) ?? 0
  }

  async init(how: 'fresh' | 'now' | 'before' | 'first', identity?: ProducerIdentity): Promise<void> {
    const current = how === 'fresh' ? null : how === 'now' ? (identity ?? null) : this.as(how, this)
    const before = this.producer.identity
    await this.producer.init(current, true)
    this.#moved(before)
  }

  async fence(identity: ProducerIdentity): Promise<void> {
    const { transactionalId } = this.producer
    const fencing = () => this.#talk.kafka.transactions.fence(transactionalId, identity)
    this.#talk.note(`fence ${this.#talk.names.identity(identity)}`, await this.#talk.ask(fencing, { concurrent: true }))
  }

  async produce(own: string, partition: number, sequence: number, count: number, identity: ProducerIdentity) {
    const values = Array.from({ length: count }, (_, i) => `${sequence + i}`)
    const [code] = await this.producer.produce([{ topic: own, partition, values, sequence }], identity)
    if (code === 0 && identity === this.producer.identity) this.#sequences.set(partition, sequence + count)
  }

  async end(commit: boolean, identity: ProducerIdentity): Promise<void> {
    const before = this.producer.identity
    await this.producer.end(commit, identity)
    this.#moved(before)
  }

  #moved(before: ProducerIdentity): void {
    if (this.producer.identity === before || before.producerId < 0n) return
    this.#past.push(before)
    this.#sequences.clear()
  }
}

const MEMBERS = 3

/** A request whose answer has not come yet. */
interface Waiting {
  readonly name: string
  readonly answer: { comparable: (() => unknown) | null; told: boolean }
}

/** After a step: how many requests have been answered, and where the group is. */
export interface Due {
  readonly answered: number
  readonly group: string
}

/**
 * JoinGroup and SyncGroup wait for others, so what has been answered after each step is part of what is compared. The
 * stage is given time until as much has been answered and the group is where `due` says: so it was on the other stage, once
 * there is one. Where the group is tells that a JoinGroup that waits has come there.
 */
export function randomGroup(seed: number, steps: number, due: Due[] = []): Script {
  const known = due.length > 0
  return {
    name: `a group of seed ${seed}`,
    async play(talk, own) {
      const random = new Random(seed)
      const members = Array.from({ length: MEMBERS }, (_, i) => {
        const instance = random.chance(0.3) ? `i${i}` : null
        return { member: new Member(talk, `m${i}`, own, instance), former: [outsider], leads: false }
      })
      // Everybody's ids, as they became known: who leads assigns to them all.
      const ids: string[] = []
      let leader = ''
      const waiting: Waiting[] = []
      const admin = talk.kafka.groupAdmin(own)
      let step = 0
      const settle = async (): Promise<void> => {
        const answered = (): number => waiting.filter((w) => w.answer.comparable !== null).length
        const look = async (): Promise<Due> => {
          const { state, members } = await talk.ask(() => admin.describe())
          return { answered: answered(), group: `${state} of ${members.length}` }
        }
        await talk.stage.quiet()
        if (known)
          await talk
            .until(look, ({ answered, group }) => answered >= due[step]!.answered && group === due[step]!.group, 4_000)
            .catch(() => {})
        else due.push(await look())
        step++
        // In the order of the requests: a broker that completes a rebalance answers its members in that of a hash map, and
        // names are given in the order in which they are told.
        for (const { name, answer } of waiting) {
          if (answer.comparable === null || answer.told) continue
          answer.told = true
          talk.note(name, answer.comparable())
        }
      }
      const send = <T>(name: string, promise: Promise<T>, came: (answer: T) => () => unknown): void => {
        const answer: Waiting['answer'] = { comparable: null, told: false }
        waiting.push({ name, answer })
        promise.then(
          (value) => {
            answer.comparable = came(value)
          },
          (error: unknown) => {
            answer.comparable = () => String(error)
          },
        )
      }
      // The coordinator is found and loaded before anything is compared.
      await members[0]!.member.heartbeat({ memberId: 'nobody', generation: 1, instanceId: null })
      for (let i = 0; i < steps; i++) {
        const one = random.pick(members)
        const { member } = one
        const busy = waiting.some((w) => w.name.startsWith(`${member.name} `) && w.answer.comparable === null)
        const stale = random.chance(0.15) ? random.pick(one.former) : null
        const kind = random.below(100)
        const changed = random.chance(0.15)
        const what = `${member.name} ${i}`
        if (kind < 40) {
          // A connection waits for its answer before it takes the next one.
          if (busy) continue
          const metadata = changed ? { metadata: subscriptionOf('changed') } : {}
          send(`${what} joins`, member.sendJoin(metadata), (answer: JoinAnswer) => {
            if (answer.code === 0 || answer.code === 79) {
              one.former.push(member.membership)
              member.memberId = answer.memberId
              if (!ids.includes(answer.memberId)) ids.push(answer.memberId)
            }
            if (answer.code === 0) member.generation = answer.generation
            if (answer.code === 25 || answer.code === 82) member.memberId = ''
            one.leads = answer.code === 0 && answer.leader === answer.memberId
            if (answer.code === 0) leader = answer.leader
            return () => talk.names.join(answer)
          })
        } else if (kind < 65) {
          if (busy) continue
          const assigned = one.leads ? Object.fromEntries(ids.map((id) => [id, talk.names.member(id)])) : {}
          send(`${what} syncs`, member.sendSync(assigned, PROTOCOL, stale ?? member.membership), (answer) => () => ({
            code: answer.code,
            assignment: readable(answer.assignment),
          }))
        } else if (kind < 90) {
          const membership = stale ?? member.membership
          talk.note(
            `${what} heartbeats at ${membership.generation}`,
            await talk.ask(() => member.sendHeartbeat(membership)),
          )
        } else {
          const membership = stale ?? member.membership
          // Who leads when the leader has gone is a matter of a hash map in the broker.
          if (membership.memberId === leader || membership.memberId === '') continue
          talk.note(`${what} leaves`, await talk.ask(() => member.sendLeave(membership)))
        }
        await settle()
      }
      await admin.close()
    },
  }
}
