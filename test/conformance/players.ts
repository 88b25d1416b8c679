/** Who speaks in the scripts: a transactional producer, a group member, a reader. Each notes what it is answered. */
import { encodeAssignment, encodeSubscription } from '../../engine/core/consumer-protocol.ts'
import { position } from '../../engine/core/numbers.ts'
import type {
  FetchClient,
  FetchedPartition,
  GroupClient,
  GroupMembership,
  JoinAnswer,
  ProducerIdentity,
  TopicPartition,
  TransactionClient,
} from '../../engine/ports.ts'
import { recordBatch } from '../integration/kafka-support.ts'
import { readable } from './names.ts'
import type { Talk } from './talk.ts'

export const outsider: GroupMembership = { memberId: '', generation: -1, instanceId: null }

const TRANSACTION_TIMEOUT_MS = 30_000

export interface Values extends TopicPartition {
  readonly values: readonly string[]
  readonly sequence?: number
}

export class Producer {
  readonly transactionalId: string
  identity: ProducerIdentity = { producerId: -1n, epoch: -1 }
  readonly #talk: Talk
  readonly #name: string
  readonly #client: TransactionClient

  constructor(talk: Talk, name: string, transactionalId: string, groupId: string) {
    this.#talk = talk
    this.#name = name
    this.transactionalId = transactionalId
    this.#client = talk.kafka.transactionClient({
      transactionalId,
      groupId,
      transactionTimeoutMs: TRANSACTION_TIMEOUT_MS,
    })
  }

  /** InitProducerId; what it answers is adopted. `once`: CONCURRENT_TRANSACTIONS is an answer like any other. */
  async init(current: ProducerIdentity | null = null, once = false, adopt = true): Promise<number> {
    const { code, identity } = await this.#talk.ask(() => this.#client.initProducerId(current), { concurrent: once })
    this.#tell(`InitProducerId ${current ? this.#talk.names.identity(current) : 'fresh'}`, code, identity)
    if (code === 0 && adopt) this.identity = identity
    return code
  }

  async offsets(
    offsets: readonly (TopicPartition & { readonly at: number })[],
    membership = outsider,
    identity = this.identity,
  ): Promise<void> {
    const asked = offsets.map(({ topic, partition, at }) => ({ topic, partition, position: position(at) }))
    const answers = await this.#talk.ask(() => this.#client.txnOffsetCommit(identity, membership, asked))
    const what = `${offsets.map(({ partition, at }) => `${partition}=${at}`)} as ${this.#talk.names.identity(identity)}`
    this.#talk.note(
      `${this.#name}: TxnOffsetCommit ${what}`,
      answers.map(({ partition, code }) => ({ partition, code })),
    )
  }

  /** The codes, batch by batch. */
  async produce(batches: readonly Values[], identity = this.identity): Promise<readonly number[]> {
    const encoded = batches.map(({ topic, partition, values, sequence = 0 }) => ({
      topic,
      partition,
      bytes: recordBatch(identity, values, sequence),
    }))
    const answers = await this.#talk.ask(() => this.#client.produce(encoded))
    const what = batches.map((b) => `${b.partition}:${b.sequence ?? 0}+${b.values.length}`).join(' ')
    this.#talk.note(
      `${this.#name}: Produce ${what} as ${this.#talk.names.identity(identity)}`,
      answers.map(({ partition, code, baseOffset }) => ({ partition, code, baseOffset })),
    )
    return answers.map(({ code }) => code)
  }

  /** EndTxn; what it answers is adopted when it was asked for the current transaction. */
  async end(commit: boolean, identity = this.identity): Promise<number> {
    const { code, identity: next } = await this.#talk.ask(() => this.#client.endTxn(identity, commit))
    this.#tell(`EndTxn ${commit ? 'commit' : 'abort'} as ${this.#talk.names.identity(identity)}`, code, next)
    if (code === 0 && identity === this.identity) this.identity = next
    return code
  }

  #tell(what: string, code: number, identity: ProducerIdentity): void {
    // With an error the identity is whatever: nobody may use it.
    this.#talk.note(`${this.#name}: ${what}`, { code, next: code === 0 ? this.#talk.names.identity(identity) : '-' })
  }
}

/** Longer than any script takes on a busy machine. */
const SESSION_MS = 60_000
const REBALANCE_MS = 60_000
export const PROTOCOL = 'conformance-1'
export const subscriptionOf = (text: string): Buffer =>
  encodeSubscription({ topics: ['t'], userData: Buffer.from(text) })

export class Member {
  readonly name: string
  memberId = ''
  generation = -1
  readonly instanceId: string | null
  readonly #talk: Talk
  readonly #group: GroupClient
  readonly #sessionMs: number

  constructor(talk: Talk, name: string, groupId: string, instanceId: string | null = null, sessionMs = SESSION_MS) {
    this.#talk = talk
    this.name = name
    this.#group = talk.kafka.groupClient(groupId)
    this.instanceId = instanceId
    this.#sessionMs = sessionMs
  }

  get membership(): GroupMembership {
    const { memberId, generation, instanceId } = this
    return { memberId, generation, instanceId }
  }

  /** Sent and not waited for: on the model `stage.run` brings the answer. */
  sendJoin(options: Partial<Parameters<GroupClient['join']>[0]> = {}): Promise<JoinAnswer> {
    return this.#group.join({
      memberId: this.memberId,
      instanceId: this.instanceId,
      sessionTimeoutMs: this.#sessionMs,
      rebalanceTimeoutMs: REBALANCE_MS,
      protocol: PROTOCOL,
      metadata: subscriptionOf(this.name),
      reason: 'test',
      ...options,
    })
  }

  /** Notes the answer and takes member id and generation from it. */
  joined(answer: JoinAnswer): JoinAnswer {
    this.#talk.note(`${this.name}: JoinGroup`, this.#talk.names.join(answer))
    if (answer.code === 0 || answer.code === 79) this.memberId = answer.memberId
    if (answer.code === 0) this.generation = answer.generation
    return answer
  }

  async join(options: Partial<Parameters<GroupClient['join']>[0]> = {}): Promise<JoinAnswer> {
    return this.joined(await this.#talk.ask(() => this.sendJoin(options)))
  }

  /** The two requests of a dynamic member's first join. */
  async enter(): Promise<JoinAnswer> {
    await this.join()
    return this.join()
  }

  sendSync(assignments: Readonly<Record<string, string>> = {}, protocol = PROTOCOL, membership = this.membership) {
    return this.#group.sync({
      membership,
      protocol,
      assignments: Object.entries(assignments).map(([memberId, text]) => ({
        memberId,
        assignment: encodeAssignment({ partitions: [{ topic: 't', partition: 0 }], userData: Buffer.from(text) }),
      })),
    })
  }

  synced({ code, assignment }: { code: number; assignment: Buffer }): void {
    this.#talk.note(`${this.name}: SyncGroup`, { code, assignment: readable(assignment) })
  }

  async sync(assignments: Readonly<Record<string, string>> = {}, protocol = PROTOCOL, membership = this.membership) {
    this.synced(await this.#talk.ask(() => this.sendSync(assignments, protocol, membership)))
  }

  sendHeartbeat(membership = this.membership): Promise<number> {
    return this.#group.heartbeat(membership)
  }

  sendLeave(membership = this.membership): Promise<number> {
    return this.#group.leave(membership, 'test')
  }

  async heartbeat(membership = this.membership): Promise<number> {
    const code = await this.#talk.ask(() => this.sendHeartbeat(membership))
    this.#talk.note(`${this.name}: Heartbeat of generation ${membership.generation}`, code)
    return code
  }

  async leave(membership = this.membership): Promise<void> {
    const code = await this.#talk.ask(() => this.sendLeave(membership))
    this.#talk.note(`${this.name}: LeaveGroup`, code)
  }
}

export class Reader {
  readonly #talk: Talk
  #client: FetchClient

  constructor(talk: Talk) {
    this.#talk = talk
    this.#client = talk.kafka.fetchClient()
  }

  /** `ready`: asks until it holds; what is told is the last answer. */
  async fetch(
    at: TopicPartition & { readonly from: number; readonly maxBytes?: number },
    ready: (answer: FetchedPartition) => boolean = () => true,
  ): Promise<FetchedPartition> {
    const { topic, partition, from, maxBytes = 1_000_000 } = at
    const options = { maxWaitMs: 20, minBytes: 1, maxBytes: 1_000_000 }
    const answer = await this.#talk.until(
      async () => {
        const asked = [{ topic, partition, position: position(from), maxBytes }]
        return (await this.#talk.stage.run(this.#client.fetch(asked, options)))[0]!
      },
      // The broker reads the high watermark before the last stable offset: a marker between the two is told in halves.
      (a) => a.code !== 6 && a.code !== 5 && a.highWatermark >= a.lastStableOffset && ready(a),
    )
    this.#talk.note(`Fetch ${partition} from ${from}, ${maxBytes} bytes`, this.#talk.names.fetched(answer))
    return answer
  }

  /** Once every transaction that has ended has its markers: the last stable offset is the end given. */
  async stable(at: TopicPartition & { readonly from: number }, lastStableOffset: number): Promise<void> {
    await this.fetch(at, (answer) => answer.code !== 0 || answer.lastStableOffset === lastStableOffset)
  }
}

/** OffsetFetch, asked until it is `ready`: unless said, until it is stable. */
export async function committed(
  talk: Talk,
  groupId: string,
  partitions: readonly TopicPartition[],
  requireStable = true,
  ready: (answer: { code: number; offsets: readonly unknown[] }) => boolean = ({ code }) => code !== 88,
): Promise<void> {
  const group = talk.kafka.groupClient(groupId)
  const { code, offsets } = await talk.until(() => talk.ask(() => group.offsets(partitions, requireStable)), ready)
  talk.note(`OffsetFetch${requireStable ? ' stable' : ''}`, {
    code,
    offsets: offsets.map(({ partition, position }) => `${partition}=${position}`).sort(),
  })
}

export async function topic(
  talk: Talk,
  name: string,
  partitions: number,
  configs: Readonly<Record<string, string>> = {},
): Promise<void> {
  const answer = await talk.stage.run(
    talk.kafka.admin.createTopics([{ topic: name, partitions, replicationFactor: 1, configs }]),
  )
  talk.note(`CreateTopics, ${partitions} partitions`, [...answer.values()])
}
