/** What the Kafka integration tests share: names of their own, polling, a record batch written by hand, a producer. */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { crc32c } from '@node-rs/crc32'
import { vi } from 'vitest'
import { codes } from '../../engine/core/kafka-errors.ts'
import { type Position, position } from '../../engine/core/numbers.ts'
import { connectKafka } from '../../engine/kafka/kafka.ts'
import type { GroupMembership, Kafka, ProducerIdentity, TopicPartition, TransactionClient } from '../../engine/ports.ts'
import { testBootstrap } from '../support/stack.ts'

// A loaded machine is slow, not wrong; what must not take for ever has its own deadline below.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const run = randomBytes(4).toString('hex')
/** A name that no other run uses. */
export const unique = (name: string): string => `it-kafka-${name}-${run}-${randomBytes(2).toString('hex')}`

export const openKafka = (): Kafka => connectKafka({ bootstrapServers: testBootstrap(), clientId: `it-${run}` })

export const outsider: GroupMembership = { memberId: '', generation: -1, instanceId: null }

const deadlineMs = 20_000
const pauseMs = 2

/** Asks until the answer is right. */
export async function until<T>(ask: () => Promise<T>, right: (answer: T) => boolean): Promise<T> {
  const end = performance.now() + deadlineMs
  for (;;) {
    const answer = await ask()
    if (right(answer)) return answer
    if (performance.now() > end) throw new Error(`still ${JSON.stringify(answer, bigintText)} after ${deadlineMs} ms`)
    await sleep(pauseMs)
  }
}

const bigintText = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)

/** Codes that come and go by themselves while coordinators load and markers are written. */
const passing = new Set<number>([
  codes.COORDINATOR_LOAD_IN_PROGRESS,
  codes.COORDINATOR_NOT_AVAILABLE,
  codes.NOT_COORDINATOR,
  codes.CONCURRENT_TRANSACTIONS,
])
export const settled = ({ code }: { code: number }): boolean => !passing.has(code)

export async function createTopic(
  kafka: Kafka,
  topic: string,
  partitions: number,
  configs: Record<string, string> = {},
): Promise<void> {
  await kafka.admin.createTopics([{ topic, partitions, replicationFactor: 1, configs }])
}

/** A transactional producer as a test drives it: retries what passes, adopts identities, sequence 0 per transaction. */
export class Owner {
  readonly client: TransactionClient
  identity: ProducerIdentity

  private constructor(client: TransactionClient, identity: ProducerIdentity) {
    this.client = client
    this.identity = identity
  }

  static async start(kafka: Kafka, transactionalId: string, groupId: string): Promise<Owner> {
    const client = kafka.transactionClient({ transactionalId, groupId, transactionTimeoutMs: 30_000 })
    const { identity } = await until(
      () => client.initProducerId(null),
      ({ code }) => code === 0,
    )
    return new Owner(client, identity)
  }

  /** The codes of one TxnOffsetCommit. */
  async offsets(
    partitions: readonly (TopicPartition & { position: Position })[],
    membership = outsider,
  ): Promise<number[]> {
    const answers = await until(
      () => this.client.txnOffsetCommit(this.identity, membership, partitions),
      (answers) => answers.every(settled),
    )
    return answers.map(({ code }) => code)
  }

  async produce(topic: string, partition: number, values: readonly string[], sequence = 0) {
    const bytes = recordBatch(this.identity, values, sequence)
    const [answer] = await until(
      () => this.client.produce([{ topic, partition, bytes }]),
      (answers) => answers.every(settled),
    )
    return answer!
  }

  /** Ends the transaction; on 0 the next identity is adopted. */
  async end(commit: boolean): Promise<number> {
    const { code, identity } = await until(() => this.client.endTxn(this.identity, commit), settled)
    if (code === 0) this.identity = identity
    return code
  }
}

const headerBytes = 61
const transactionalBit = 0x10

/** A record batch (magic 2) of records with a value only. */
export function recordBatch(identity: ProducerIdentity, values: readonly string[], sequence = 0): Buffer {
  const records = values.map((value, index) => {
    const bytes = Buffer.from(value)
    const body = [Buffer.from([0]), varint(0), varint(index), varint(-1), varint(bytes.length), bytes, varint(0)]
    const length = body.reduce((sum, part) => sum + part.length, 0)
    return Buffer.concat([varint(length), ...body])
  })
  const batch = Buffer.concat([Buffer.alloc(headerBytes), ...records])
  const now = BigInt(Date.now())
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt32BE(-1, 12)
  batch[16] = 2
  batch.writeInt16BE(transactionalBit, 21)
  batch.writeInt32BE(values.length - 1, 23)
  batch.writeBigInt64BE(now, 27)
  batch.writeBigInt64BE(now, 35)
  batch.writeBigInt64BE(identity.producerId, 43)
  batch.writeInt16BE(identity.epoch, 51)
  batch.writeInt32BE(sequence, 53)
  batch.writeInt32BE(values.length, 57)
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
  return batch
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80)
    rest >>>= 7
  }
  return Buffer.from([...bytes, rest])
}

export interface FetchedBatch {
  readonly baseOffset: number
  readonly producerId: bigint
  readonly control: boolean
  readonly records: number
}

/** The headers of whole batches. */
export function batchesOf(records: Buffer): FetchedBatch[] {
  const batches: FetchedBatch[] = []
  for (let at = 0; at + headerBytes <= records.length; ) {
    const end = at + 12 + records.readInt32BE(at + 8)
    if (end > records.length) break
    batches.push({
      baseOffset: Number(records.readBigInt64BE(at)),
      producerId: records.readBigInt64BE(at + 43),
      control: (records.readInt16BE(at + 21) & 0x20) !== 0,
      records: records.readInt32BE(at + 57),
    })
    at = end
  }
  return batches
}

export const at = (topic: string, partition: number, value: number) => ({ topic, partition, position: position(value) })
