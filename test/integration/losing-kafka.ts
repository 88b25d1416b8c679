/**
 * A process's Kafka that can make one transaction lose all its markers, on a real broker and without killing it. The
 * broker must not verify what it is sent (`transaction.partition.verification.enable=false`): then records by Produce v11
 * and offsets by TxnOffsetCommit v4 belong to a transaction whose coordinator was never told of their partitions, so they
 * get no marker when it ends. One record to a decoy topic is all that the coordinator knows. That is what is left behind
 * when a broker loses the markers of a decided transaction (docs/decisions/0011).
 */
import { Connection, type Reader, txnOffsetCommitV4, Writer } from '@platformatic/kafka'
import { codes } from '../../engine/core/kafka-errors.ts'
import { offset } from '../../engine/core/numbers.ts'
import type {
  GroupMembership,
  Kafka,
  OffsetToCommit,
  PartitionCode,
  ProduceAnswer,
  ProduceBatch,
  ProducerIdentity,
  TransactionClient,
  TransactionInspector,
} from '../../engine/ports.ts'
import { recordBatch } from './kafka-support.ts'

/** How a transaction that loses its markers ends. */
export type Ending = 'commit' | 'abort'

export class LosingKafka {
  readonly kafka: Kafka
  /** The next transaction that begins loses its markers. */
  arm: Ending | null = null
  /** It is the last thing that this process does. */
  diesBehind = false
  /** Without ClusterAction. */
  isDenied = false
  /** Transactions that have lost their markers. */
  lost = 0
  readonly #port: number
  readonly #decoy: string
  #alive = true
  #losing: Ending | null = null
  #interruptions = 0
  #connection: Connection | null = null

  constructor(kafka: Kafka, port: number, decoy: string) {
    this.#port = port
    this.#decoy = decoy
    this.kafka = {
      ...kafka,
      admin: this.#gate(kafka.admin),
      transactions: this.#gate(this.#inspector(kafka.transactions)),
      transactionClient: (options) => this.#gate(this.#client(kafka.transactionClient(options))),
      groupClient: (groupId) => this.#gate(kafka.groupClient(groupId)),
      fetchClient: () => this.#gate(kafka.fetchClient()),
    }
  }

  /** The process is gone: nothing is sent, nothing answered. */
  kill(): void {
    this.#alive = false
  }

  async close(): Promise<void> {
    await this.#connection?.close()
  }

  #gate<T extends object>(client: T): T {
    return new Proxy(client, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target)
        if (typeof member !== 'function' || name === 'close') return member
        return async (...args: unknown[]) => {
          if (!this.#alive) return new Promise(() => {})
          const answer: unknown = await Reflect.apply(member, target, args)
          return this.#alive ? answer : new Promise(() => {})
        }
      },
    })
  }

  #inspector(inspector: TransactionInspector): TransactionInspector {
    return {
      list: (filter) => inspector.list(filter),
      describe: (id) => inspector.describe(id),
      past: (id) => inspector.past(id),
      producers: (partition) => inspector.producers(partition),
      open: (partitions) => inspector.open(partitions),
      writeMarker: async (marker) =>
        this.isDenied ? codes.CLUSTER_AUTHORIZATION_FAILED : inspector.writeMarker(marker),
      abortAs: (...args) => inspector.abortAs(...args),
      fence: (...args) => inspector.fence(...args),
    }
  }

  #client(client: TransactionClient): TransactionClient {
    const losing = this
    return {
      transactionalId: client.transactionalId,
      get interruptions() {
        return client.interruptions + losing.#interruptions
      },
      initProducerId: (current) => client.initProducerId(current),
      txnOffsetCommit: async (identity, membership, offsets) => {
        this.#losing ??= this.arm
        this.arm = null
        if (!this.#losing) return client.txnOffsetCommit(identity, membership, offsets)
        return this.#offsets(client.transactionalId, identity, membership, offsets)
      },
      produce: async (batches) => {
        if (!this.#losing) return client.produce(batches)
        return this.#produce(client, batches)
      },
      endTxn: async (identity, commit) => {
        const answer = await client.endTxn(identity, commit)
        if (!this.#losing || answer.code !== 0) return answer
        this.#losing = null
        this.lost++
        // The broker was away for a moment, as it must have been.
        this.#interruptions++
        if (this.diesBehind) this.kill()
        return answer
      },
      close: () => client.close(),
    }
  }

  async #offsets(
    transactionalId: string,
    { producerId, epoch }: ProducerIdentity,
    { memberId, generation, instanceId }: GroupMembership,
    offsets: readonly OffsetToCommit[],
  ): Promise<readonly PartitionCode[]> {
    const topics = offsets.map(({ topic, partition, position }) => ({
      name: topic,
      partitions: [
        {
          partitionIndex: partition,
          committedOffset: BigInt(position),
          committedLeaderEpoch: -1,
          committedMetadata: null,
        },
      ],
    }))
    const connection = await this.#connected()
    await txnOffsetCommitV4.api.async(
      connection,
      transactionalId,
      this.groupId,
      producerId,
      epoch,
      generation,
      memberId,
      instanceId,
      topics,
    )
    return offsets.map(({ topic, partition }) => ({ topic, partition, code: 0 }))
  }
  groupId = ''

  async #produce(client: TransactionClient, batches: readonly ProduceBatch[]): Promise<readonly ProduceAnswer[]> {
    const answers: ProduceAnswer[] = []
    for (const batch of batches) answers.push(await this.#produceUntold(client.transactionalId, batch))
    const { producerId, epoch } = identityOf(batches[0]!)
    const bytes = recordBatch({ producerId, epoch }, ['decoy'])
    // While the markers of the one before are being written this is refused.
    for (let code = -1; code !== 0; )
      [{ code }] = (await client.produce([{ topic: this.#decoy, partition: 0, bytes }])) as [ProduceAnswer]
    if (this.#losing === 'commit') return answers
    return answers.map((answer) => ({ ...answer, code: codes.OUT_OF_ORDER_SEQUENCE_NUMBER }))
  }

  async #produceUntold(transactionalId: string, { topic, partition, bytes }: ProduceBatch): Promise<ProduceAnswer> {
    const connection = await this.#connected()
    const request = Writer.create()
      .appendString(transactionalId)
      .appendInt16(-1)
      .appendInt32(5_000)
      .appendArray([topic], (writer) => {
        writer.appendString(topic).appendArray([partition], (writer) => {
          writer.appendInt32(partition).appendBytes(bytes)
        })
      })
      .appendTaggedFields()
    return new Promise((resolve, reject) => {
      connection.send<ProduceAnswer>(
        0,
        11,
        () => request,
        (_correlation, _key, _version, reader) => decodeProduce(reader, topic, partition),
        true,
        true,
        (error, answer) => (error ? reject(error) : resolve(answer as ProduceAnswer)),
      )
    })
  }

  async #connected(): Promise<Connection> {
    if (!this.#connection?.isConnected()) {
      this.#connection = new Connection('losing')
      await this.#connection.connect('127.0.0.1', this.#port)
    }
    return this.#connection
  }
}

const identityOf = ({ bytes }: ProduceBatch): ProducerIdentity => ({
  producerId: bytes.readBigInt64BE(43),
  epoch: bytes.readInt16BE(51),
})

/** One topic, one partition. */
function decodeProduce(reader: Reader, topic: string, partition: number): ProduceAnswer {
  reader.readUnsignedVarInt()
  reader.readString()
  reader.readUnsignedVarInt()
  reader.readInt32()
  const code = reader.readInt16()
  return { topic, partition, code, baseOffset: offset(Number(reader.readInt64())), message: null }
}
