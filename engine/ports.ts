/**
 * What the engine needs of the world, as interfaces: Kafka here, Redis in stores/ports.ts.
 * The edges implement them (engine/kafka, stores/), the simulator implements them again as models.
 *
 * Conventions: protocol answers carry Kafka error codes (int16, 0 = NONE) and are returned, never thrown;
 * what is thrown is a RequestLost: no answer came, and whether the broker acted on the request is unknown.
 */
import type { Offset, Position } from './core/numbers.ts'

/** A Kafka protocol error code; 0 is NONE. Meaning: engine/core/kafka-errors.ts. */
export type Code = number

/** The request was not answered (socket closed, timeout, connection refused). `sent` false: it never left this process. */
export class RequestLost extends Error {
  readonly api: string
  readonly sent: boolean
  constructor(api: string, sent: boolean, cause: unknown) {
    super(`${api}: no answer (${cause instanceof Error ? cause.message : String(cause)})`, { cause })
    this.name = 'RequestLost'
    this.api = api
    this.sent = sent
  }
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export interface TopicInfo {
  readonly topic: string
  /** UUID text; a recreated topic has another. */
  readonly topicId: string
  readonly partitions: number
}

/** Producer identity as the transaction coordinator knows it. With protocol version 2 every EndTxn answers the next one. */
export interface ProducerIdentity {
  readonly producerId: bigint
  readonly epoch: number
}

// ---------------------------------------------------------------- transactions (protocol version 2, KIP-890)

export interface OffsetToCommit extends TopicPartition {
  readonly position: Position
}

export interface PartitionCode extends TopicPartition {
  readonly code: Code
}

/** One record batch, encoded but for the producer fields, which are only known when its transaction is. */
export interface ProduceBatch extends TopicPartition {
  /** The finished record batch (magic 2) with producer id, epoch and base sequence of this transaction. */
  readonly bytes: Buffer
}

export interface ProduceAnswer extends PartitionCode {
  /** Offset given to the first record of the batch; -1 with an error. */
  readonly baseOffset: Offset
  readonly message: string | null
}

export interface GroupMembership {
  readonly memberId: string
  readonly generation: number
  readonly instanceId: string | null
}

/** One transactional id. Finds and re-finds its coordinator by itself (NOT_COORDINATOR is still returned, after dropping the cached one). */
export interface TransactionClient {
  readonly transactionalId: string
  /**
   * Connections of this process that were lost so far, whatever they were for: a broker may be gone without the ones that
   * transactions use being told, and be back, or be replaced, under another address. When it has risen a broker may have
   * been away, and with it the markers of the last transaction (engine/core/hanging.ts).
   */
  readonly interruptions: number
  /** InitProducerId v5 with (producerId, epoch) or (-1, -1). */
  initProducerId(current: ProducerIdentity | null): Promise<{ code: Code; identity: ProducerIdentity }>
  /** TxnOffsetCommit v5, all partitions in one request (trap P4). Sent to the group's coordinator. */
  txnOffsetCommit(
    identity: ProducerIdentity,
    membership: GroupMembership,
    offsets: readonly OffsetToCommit[],
  ): Promise<readonly PartitionCode[]>
  /** EndTxn v5: on code 0 the identity is that of the next transaction; adopt id and epoch. */
  endTxn(identity: ProducerIdentity, commit: boolean): Promise<{ code: Code; identity: ProducerIdentity }>
  /**
   * Produce v12, acks=all. At most one batch per partition in one call; calls of one transaction to one broker are
   * sent one after the other by the caller. The batches are split by leader inside; answers come back in one list.
   * A partition whose leader is unknown or away answers NOT_LEADER_OR_FOLLOWER (6) and its metadata is refreshed.
   */
  produce(batches: readonly ProduceBatch[]): Promise<readonly ProduceAnswer[]>
  close(): Promise<void>
}

// ---------------------------------------------------------------- group (classic protocol)

export interface JoinAnswer {
  readonly code: Code
  readonly memberId: string
  readonly generation: number
  readonly leader: string
  /** Set only for the leader. `metadata` is the raw subscription as the member sent it. */
  readonly members: readonly { memberId: string; instanceId: string | null; metadata: Buffer }[]
  /** KIP-814: a static leader that came back must not compute an assignment. */
  readonly skipAssignment: boolean
}

export interface GroupClient {
  readonly groupId: string
  /** JoinGroup v9, protocol type "consumer". Waits in the broker up to the rebalance timeout. */
  join(request: {
    memberId: string
    instanceId: string | null
    sessionTimeoutMs: number
    rebalanceTimeoutMs: number
    protocol: string
    metadata: Buffer
    reason: string
  }): Promise<JoinAnswer>
  /** SyncGroup v5. */
  sync(request: {
    membership: GroupMembership
    protocol: string
    assignments: readonly { memberId: string; assignment: Buffer }[]
  }): Promise<{ code: Code; assignment: Buffer }>
  /** Heartbeat v4. */
  heartbeat(membership: GroupMembership): Promise<Code>
  /** LeaveGroup v5. */
  leave(membership: GroupMembership, reason: string): Promise<Code>
  /** OffsetFetch v9. `code` is the group's code or the worst partition's (UNSTABLE_OFFSET_COMMIT while a transaction is pending). Absent = never committed. */
  offsets(
    partitions: readonly TopicPartition[],
    requireStable: boolean,
  ): Promise<{ code: Code; offsets: readonly OffsetToCommit[] }>
  close(): Promise<void>
}

/** A classic group as its coordinator sees it. */
export interface GroupDescription {
  readonly code: Code
  /** `Empty`, `Stable`, `PreparingRebalance`, `CompletingRebalance`; `Dead`: it does not exist. */
  readonly state: string
  readonly members: readonly { memberId: string; instanceId: string | null; clientId: string; host: string }[]
}

/** A group from outside: the operators' tools. */
export interface GroupAdmin {
  readonly groupId: string
  describe(): Promise<GroupDescription>
  /** OffsetCommit v9 without a member: answers UNKNOWN_MEMBER_ID (25) for every partition while the group has members. */
  commit(offsets: readonly OffsetToCommit[]): Promise<readonly PartitionCode[]>
  close(): Promise<void>
}

// ---------------------------------------------------------------- produce outside of transactions

/** Plain Produce, acks=all, without a producer id: a lost answer leaves open whether it was written. */
export interface Publisher {
  /** Batches, answers and errors as TransactionClient.produce. */
  publish(batches: readonly ProduceBatch[]): Promise<readonly ProduceAnswer[]>
  close(): Promise<void>
}

// ---------------------------------------------------------------- fetch

export interface FetchRequest extends TopicPartition {
  readonly position: Position
  readonly maxBytes: number
}

export interface FetchedPartition extends TopicPartition {
  readonly code: Code
  /** The position that was asked for: an answer counts only if it is still the current one. */
  readonly asked: Position
  readonly highWatermark: Position
  readonly lastStableOffset: Position
  readonly logStart: Position
  readonly aborted: readonly AbortedTransaction[]
  /** Raw record batches, as on the wire (the last one may be cut); empty when nothing new. */
  readonly records: Buffer
}

export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: Offset
}

/** Fetch v17, read_committed, no fetch session, by topic id. One connection per broker; one request per broker at a time. */
export interface FetchClient {
  /**
   * One round over all leaders concerned; answers as each broker answers. A partition without a known leader answers
   * NOT_LEADER_OR_FOLLOWER. Topic ids that changed answer UNKNOWN_TOPIC_ID (100).
   */
  fetch(
    partitions: readonly FetchRequest[],
    options: { maxWaitMs: number; minBytes: number; maxBytes: number },
  ): Promise<readonly FetchedPartition[]>
  close(): Promise<void>
}

// ---------------------------------------------------------------- looking at transactions of others (takeover (c) and (f))

export interface TransactionListing {
  readonly transactionalId: string
  readonly producerId: bigint
  readonly state: string
}

export interface TransactionDescription extends ProducerIdentity {
  readonly code: Code
  readonly transactionalId: string
  readonly state: string
  readonly startedAtMs: number
  readonly partitions: readonly TopicPartition[]
}

/** A line of a coordinator's own log: what a transactional id came to be. */
export interface CoordinatorEntry extends ProducerIdentity {
  /** As DescribeTransactions names it; '' for one that is not known here. */
  readonly state: string
}

/** A transaction that has records in a partition and no marker behind them. */
export interface OpenTransaction extends ProducerIdentity, TopicPartition {
  /** Of its first record there. */
  readonly startOffset: Offset
  /** Of the last marker that this producer has there; -1 = none. */
  readonly coordinatorEpoch: number
}

/** The end of one producer's transaction in one partition. */
export interface TransactionMarker extends ProducerIdentity, TopicPartition {
  readonly commit: boolean
  readonly coordinatorEpoch: number
}

export interface TransactionInspector {
  /** ListTransactions v1 on every broker, by states and/or producer ids (empty = any). */
  list(filter: { states?: readonly string[]; producerIds?: readonly bigint[] }): Promise<readonly TransactionListing[]>
  /** DescribeTransactions v0 at the id's coordinator. */
  describe(transactionalId: string): Promise<TransactionDescription>
  /**
   * What the id's coordinator has written of it in __transaction_state, oldest first, as far as compaction has left it.
   * TOPIC_AUTHORIZATION_FAILED (29) without Read on that topic. Reads a whole partition of it: for what is rare.
   */
  past(transactionalId: string): Promise<{ readonly code: Code; readonly entries: readonly CoordinatorEntry[] }>
  /** DescribeProducers v0 at the partition's leader: those with an open transaction have currentTxnStartOffset ≥ 0. */
  producers(
    partition: TopicPartition,
  ): Promise<readonly { producerId: bigint; epoch: number; currentTxnStartOffset: number }[]>
  /** DescribeProducers v0 of many partitions, one request per leader. An answer for each, in the order asked. */
  open(
    partitions: readonly TopicPartition[],
  ): Promise<readonly (PartitionCode & { readonly transactions: readonly OpenTransaction[] })[]>
  /**
   * WriteTxnMarkers v2 at the partition's leader: INVALID_PRODUCER_EPOCH unless the epoch is above that of what is open
   * there. CLUSTER_AUTHORIZATION_FAILED without ClusterAction, UNSUPPORTED_VERSION where a broker only knows version 1,
   * which would end a living transaction of the same epoch.
   */
  writeMarker(marker: TransactionMarker): Promise<Code>
  /**
   * Aborts a transaction that holds these partitions and nothing else, as the transactional id's next one:
   * AddPartitionsToTxn v3, AddOffsetsToTxn v4 for the group's partition of __consumer_offsets, EndTxn v5. Wherever it
   * stops, nothing but an abort can follow. The first code that is not 0; nothing is retried.
   */
  abortAs(
    transactionalId: string,
    identity: ProducerIdentity,
    partitions: readonly TopicPartition[],
    offsetsOf: string | null,
  ): Promise<Code>
  /** One InitProducerId (id and epoch as described) to end a dead owner's transaction; the answer code is returned, not retried. */
  fence(transactionalId: string, identity: ProducerIdentity): Promise<Code>
}

// ---------------------------------------------------------------- administration

export interface TopicToCreate {
  readonly topic: string
  readonly partitions: number
  /** -1 = broker default. */
  readonly replicationFactor: number
  readonly configs: Readonly<Record<string, string>>
}

export interface KafkaAdmin {
  /** Cluster id, number of brokers. */
  cluster(): Promise<{ clusterId: string; brokers: number }>
  /** Finalized feature levels of ApiVersions, by name (`transaction.version`). */
  finalizedFeatures(): Promise<ReadonlyMap<string, number>>
  /** Fresh metadata; a topic that does not exist is absent from the map. */
  topics(names: readonly string[]): Promise<ReadonlyMap<string, TopicInfo>>
  configs(topic: string): Promise<ReadonlyMap<string, string>>
  /** Codes by topic: 0 created, 36 TOPIC_ALREADY_EXISTS. Returns once every created topic has leaders. */
  createTopics(topics: readonly TopicToCreate[]): Promise<ReadonlyMap<string, Code>>
  deleteRecords(before: readonly OffsetToCommit[]): Promise<readonly PartitionCode[]>
  /** ListOffsets. `latest` as read_uncommitted sees the end, `stable` as read_committed does. */
  listOffsets(
    partitions: readonly TopicPartition[],
    at: 'earliest' | 'latest' | 'stable',
  ): Promise<readonly (PartitionCode & { position: Position })[]>
}

/** Everything of Kafka, one per process. Connections and metadata are shared inside; clients are cheap. */
export interface Kafka {
  readonly admin: KafkaAdmin
  readonly transactions: TransactionInspector
  transactionClient(options: {
    transactionalId: string
    groupId: string
    transactionTimeoutMs: number
  }): TransactionClient
  groupClient(groupId: string): GroupClient
  /** `topicIds`: by name, the only topics of these names that it may read; of any other name the one that it meets first. */
  fetchClient(topicIds?: ReadonlyMap<string, string>): FetchClient
  publisher(): Publisher
  groupAdmin(groupId: string): GroupAdmin
  close(): Promise<void>
}
