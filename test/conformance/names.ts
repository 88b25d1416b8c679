/**
 * Makes the answers of two clusters comparable. Owns what each chance value of one run is called: producer ids, member ids
 * and topic ids in the order in which they were first told, epochs counted from the first of their producer id; times are
 * only told to be there. What a broker may or may not do is left out here, each with its reason.
 */
import type { FetchedPartition, JoinAnswer, ProducerIdentity } from '../../engine/ports.ts'
import { batchesOf } from '../integration/kafka-support.ts'

const MEMBER_ID_REQUIRED = 79

export class Names {
  readonly #names = new Map<string, string>()
  readonly #counts = new Map<string, number>()
  readonly #firstEpochs = new Map<bigint, number>()

  name(kind: string, value: string): string {
    if (value === '') return ''
    const key = `${kind} ${value}`
    const known = this.#names.get(key)
    if (known !== undefined) return known
    const number = (this.#counts.get(kind) ?? 0) + 1
    this.#counts.set(kind, number)
    this.#names.set(key, `${kind}${number}`)
    return `${kind}${number}`
  }

  /** `P1+2`: the first producer id that was told, two epochs after the first of it. */
  identity({ producerId, epoch }: ProducerIdentity): string {
    if (producerId < 0n) return `none/${epoch}`
    const first = this.#firstEpochs.get(producerId) ?? epoch
    this.#firstEpochs.set(producerId, first)
    return `${this.producer(producerId)}+${epoch - first}`
  }

  producer(producerId: bigint): string {
    return producerId < 0n ? 'none' : this.name('P', String(producerId))
  }

  member(memberId: string): string {
    return this.name('M', memberId)
  }

  join({ memberId, leader, members, ...rest }: JoinAnswer): unknown {
    return {
      ...rest,
      // With other codes it is the one that asked, or none.
      memberId: rest.code === 0 || rest.code === MEMBER_ID_REQUIRED ? this.member(memberId) : '-',
      leader: this.member(leader),
      // A broker tells them in the order of a hash map: whoever has no name yet must not get it by that order.
      members: members
        .map((m) => ({ id: m.memberId, told: `${m.instanceId ?? '-'} ${readable(m.metadata)}` }))
        .sort((a, b) => (a.told < b.told ? -1 : a.told > b.told ? 1 : 0))
        .map(({ id, told }) => `${this.member(id)} ${told}`)
        .sort(),
    }
  }

  /** What a consumer can tell from a fetch answer. */
  fetched(answer: FetchedPartition): unknown {
    const { topic: _, records, aborted, ...rest } = answer
    const batches = batchesOf(records)
    const last = batches.at(-1)
    const end = last ? last.baseOffset + Math.max(1, last.records) : answer.asked
    return {
      ...rest,
      // The last one may be cut, a consumer leaves it: whole ones only.
      batches: batches.map(
        (b) => `${b.baseOffset} ${this.producer(b.producerId)} ${b.control ? 'marker' : `${b.records} records`}`,
      ),
      // A broker looks aborted transactions up to the next entry of its index: it may tell of later ones, too.
      aborted: aborted
        .filter(({ firstOffset }) => last !== undefined && firstOffset < end)
        .map(({ producerId, firstOffset }) => `${this.producer(producerId)} from ${firstOffset}`)
        .sort(),
    }
  }
}

/** The letters in it: the layout of these bytes is the members' own business. */
export const readable = (bytes: Buffer): string => bytes.toString('latin1').replace(/[^ -~]+/g, '·')
