/**
 * The subscription and assignment of the classic group protocol ("consumer"), as bytes. Pure.
 * Written in version 1 so that the broker sees which topics the group subscribes to (it expires the offsets of others);
 * read in any version from 0 on. What a member says about itself goes in `userData`, which is not looked at here.
 *
 * Layout (not compact, big-endian): version int16, then
 *   subscription: topics [string], userData bytes, from v1 on owned [topic string, partitions [int32]], v2+ more
 *   assignment:   partitions [topic string, partitions [int32]], userData bytes
 */
import type { TopicPartition } from '../ports.ts'

export interface Subscription {
  readonly topics: readonly string[]
  readonly userData: Buffer
  readonly ownedPartitions: readonly TopicPartition[]
}

export interface Assignment {
  readonly partitions: readonly TopicPartition[]
  readonly userData: Buffer
}

/** Another member's bytes are not a subscription or assignment; remedy: no other program may join this group. */
export class ConsumerProtocolError extends Error {
  readonly code = 'group.protocol'
  constructor(what: string) {
    super(`${what}; remedy: KAFKA_CONSUMER_GROUP must be used by this application alone`)
    this.name = 'ConsumerProtocolError'
  }
}

const versionWritten = 1
const int16Max = 0x7fff

export function encodeSubscription(subscription: {
  readonly topics: readonly string[]
  readonly userData: Buffer
  readonly ownedPartitions?: readonly TopicPartition[]
}): Buffer {
  const chunks: Buffer[] = [int16(versionWritten), int32(subscription.topics.length)]
  for (const topic of subscription.topics) chunks.push(...text(topic))
  chunks.push(int32(subscription.userData.length), subscription.userData)
  chunks.push(...partitionLists(subscription.ownedPartitions ?? []))
  return Buffer.concat(chunks)
}

export function encodeAssignment(assignment: Assignment): Buffer {
  const { userData } = assignment
  const chunks = [int16(versionWritten), ...partitionLists(assignment.partitions), int32(userData.length), userData]
  return Buffer.concat(chunks)
}

/** @throws ConsumerProtocolError */
export function decodeSubscription(bytes: Buffer): Subscription {
  const reader = new Cursor(bytes)
  const version = reader.version()
  const topics = reader.list((reader) => reader.text())
  const userData = reader.bytes()
  const ownedPartitions = version >= 1 ? reader.partitionLists() : []
  return { topics, userData, ownedPartitions }
}

/** Empty bytes are the assignment of a member that got nothing. @throws ConsumerProtocolError */
export function decodeAssignment(bytes: Buffer): Assignment {
  if (bytes.length === 0) return { partitions: [], userData: Buffer.alloc(0) }
  const reader = new Cursor(bytes)
  reader.version()
  const partitions = reader.partitionLists()
  return { partitions, userData: reader.bytes() }
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function text(value: string): Buffer[] {
  const bytes = Buffer.from(value)
  if (bytes.length > int16Max) throw new ConsumerProtocolError(`a topic name of ${bytes.length} bytes`)
  return [int16(bytes.length), bytes]
}

function partitionLists(partitions: readonly TopicPartition[]): Buffer[] {
  const byTopic = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const list = byTopic.get(topic)
    if (list) list.push(partition)
    else byTopic.set(topic, [partition])
  }
  const chunks = [int32(byTopic.size)]
  for (const [topic, list] of byTopic) chunks.push(...text(topic), int32(list.length), ...list.map(int32))
  return chunks
}

class Cursor {
  readonly #bytes: Buffer
  #position = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  #take(length: number): number {
    const start = this.#position
    if (length < 0 || length > this.#bytes.length - start) {
      throw new ConsumerProtocolError(`${length} bytes announced, ${this.#bytes.length - start} left`)
    }
    this.#position = start + length
    return start
  }

  version(): number {
    const version = this.#bytes.readInt16BE(this.#take(2))
    if (version < 0) throw new ConsumerProtocolError(`version ${version}`)
    return version
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4))
  }

  text(): string {
    const length = this.#bytes.readInt16BE(this.#take(2))
    const start = this.#take(length)
    return this.#bytes.toString('utf8', start, start + length)
  }

  /** Copied, so that what is kept of it does not keep the whole answer. */
  bytes(): Buffer {
    const length = this.int32()
    if (length === -1) return Buffer.alloc(0)
    const start = this.#take(length)
    return Buffer.from(this.#bytes.subarray(start, start + length))
  }

  list<T>(element: (reader: Cursor) => T): T[] {
    const length = this.int32()
    if (length > this.#bytes.length - this.#position) throw new ConsumerProtocolError(`a list of ${length} elements`)
    const values: T[] = []
    for (let i = 0; i < length; i++) values.push(element(this))
    return values
  }

  partitionLists(): TopicPartition[] {
    const lists = this.list((reader) => {
      const topic = reader.text()
      return reader.list((reader) => ({ topic, partition: reader.int32() }))
    })
    return lists.flat()
  }
}
