/**
 * Kafka's error codes by name, and what a loop has to do about each. Pure: one table, one function.
 * The classes are those of docs (error classes); a code that stands nowhere is UNKNOWN. test/kafka/kafka-errors.test.ts
 * has a row for every code of the broker's list.
 */

/** Codes as of Apache Kafka 4.3 (org.apache.kafka.common.protocol.Errors). */
export const codes = {
  UNKNOWN_SERVER_ERROR: -1,
  NONE: 0,
  OFFSET_OUT_OF_RANGE: 1,
  CORRUPT_MESSAGE: 2,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  INVALID_FETCH_SIZE: 4,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER_OR_FOLLOWER: 6,
  REQUEST_TIMED_OUT: 7,
  BROKER_NOT_AVAILABLE: 8,
  REPLICA_NOT_AVAILABLE: 9,
  MESSAGE_TOO_LARGE: 10,
  STALE_CONTROLLER_EPOCH: 11,
  OFFSET_METADATA_TOO_LARGE: 12,
  NETWORK_EXCEPTION: 13,
  COORDINATOR_LOAD_IN_PROGRESS: 14,
  COORDINATOR_NOT_AVAILABLE: 15,
  NOT_COORDINATOR: 16,
  INVALID_TOPIC_EXCEPTION: 17,
  RECORD_LIST_TOO_LARGE: 18,
  NOT_ENOUGH_REPLICAS: 19,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 20,
  INVALID_REQUIRED_ACKS: 21,
  ILLEGAL_GENERATION: 22,
  INCONSISTENT_GROUP_PROTOCOL: 23,
  INVALID_GROUP_ID: 24,
  UNKNOWN_MEMBER_ID: 25,
  INVALID_SESSION_TIMEOUT: 26,
  REBALANCE_IN_PROGRESS: 27,
  INVALID_COMMIT_OFFSET_SIZE: 28,
  TOPIC_AUTHORIZATION_FAILED: 29,
  GROUP_AUTHORIZATION_FAILED: 30,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  INVALID_TIMESTAMP: 32,
  UNSUPPORTED_SASL_MECHANISM: 33,
  ILLEGAL_SASL_STATE: 34,
  UNSUPPORTED_VERSION: 35,
  TOPIC_ALREADY_EXISTS: 36,
  INVALID_PARTITIONS: 37,
  INVALID_REPLICATION_FACTOR: 38,
  INVALID_REPLICA_ASSIGNMENT: 39,
  INVALID_CONFIG: 40,
  NOT_CONTROLLER: 41,
  INVALID_REQUEST: 42,
  UNSUPPORTED_FOR_MESSAGE_FORMAT: 43,
  POLICY_VIOLATION: 44,
  OUT_OF_ORDER_SEQUENCE_NUMBER: 45,
  DUPLICATE_SEQUENCE_NUMBER: 46,
  INVALID_PRODUCER_EPOCH: 47,
  INVALID_TXN_STATE: 48,
  INVALID_PRODUCER_ID_MAPPING: 49,
  INVALID_TRANSACTION_TIMEOUT: 50,
  CONCURRENT_TRANSACTIONS: 51,
  TRANSACTION_COORDINATOR_FENCED: 52,
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 53,
  SECURITY_DISABLED: 54,
  OPERATION_NOT_ATTEMPTED: 55,
  KAFKA_STORAGE_ERROR: 56,
  LOG_DIR_NOT_FOUND: 57,
  SASL_AUTHENTICATION_FAILED: 58,
  UNKNOWN_PRODUCER_ID: 59,
  REASSIGNMENT_IN_PROGRESS: 60,
  DELEGATION_TOKEN_AUTH_DISABLED: 61,
  DELEGATION_TOKEN_NOT_FOUND: 62,
  DELEGATION_TOKEN_OWNER_MISMATCH: 63,
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: 64,
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: 65,
  DELEGATION_TOKEN_EXPIRED: 66,
  INVALID_PRINCIPAL_TYPE: 67,
  NON_EMPTY_GROUP: 68,
  GROUP_ID_NOT_FOUND: 69,
  FETCH_SESSION_ID_NOT_FOUND: 70,
  INVALID_FETCH_SESSION_EPOCH: 71,
  LISTENER_NOT_FOUND: 72,
  TOPIC_DELETION_DISABLED: 73,
  FENCED_LEADER_EPOCH: 74,
  UNKNOWN_LEADER_EPOCH: 75,
  UNSUPPORTED_COMPRESSION_TYPE: 76,
  STALE_BROKER_EPOCH: 77,
  OFFSET_NOT_AVAILABLE: 78,
  MEMBER_ID_REQUIRED: 79,
  PREFERRED_LEADER_NOT_AVAILABLE: 80,
  GROUP_MAX_SIZE_REACHED: 81,
  FENCED_INSTANCE_ID: 82,
  ELIGIBLE_LEADERS_NOT_AVAILABLE: 83,
  ELECTION_NOT_NEEDED: 84,
  NO_REASSIGNMENT_IN_PROGRESS: 85,
  GROUP_SUBSCRIBED_TO_TOPIC: 86,
  INVALID_RECORD: 87,
  UNSTABLE_OFFSET_COMMIT: 88,
  THROTTLING_QUOTA_EXCEEDED: 89,
  PRODUCER_FENCED: 90,
  RESOURCE_NOT_FOUND: 91,
  DUPLICATE_RESOURCE: 92,
  UNACCEPTABLE_CREDENTIAL: 93,
  INCONSISTENT_VOTER_SET: 94,
  INVALID_UPDATE_VERSION: 95,
  FEATURE_UPDATE_FAILED: 96,
  PRINCIPAL_DESERIALIZATION_FAILURE: 97,
  SNAPSHOT_NOT_FOUND: 98,
  POSITION_OUT_OF_RANGE: 99,
  UNKNOWN_TOPIC_ID: 100,
  DUPLICATE_BROKER_REGISTRATION: 101,
  BROKER_ID_NOT_REGISTERED: 102,
  INCONSISTENT_TOPIC_ID: 103,
  INCONSISTENT_CLUSTER_ID: 104,
  TRANSACTIONAL_ID_NOT_FOUND: 105,
  FETCH_SESSION_TOPIC_ID_ERROR: 106,
  INELIGIBLE_REPLICA: 107,
  NEW_LEADER_ELECTED: 108,
  OFFSET_MOVED_TO_TIERED_STORAGE: 109,
  FENCED_MEMBER_EPOCH: 110,
  UNRELEASED_INSTANCE_ID: 111,
  UNSUPPORTED_ASSIGNOR: 112,
  STALE_MEMBER_EPOCH: 113,
  MISMATCHED_ENDPOINT_TYPE: 114,
  UNSUPPORTED_ENDPOINT_TYPE: 115,
  UNKNOWN_CONTROLLER_ID: 116,
  UNKNOWN_SUBSCRIPTION_ID: 117,
  TELEMETRY_TOO_LARGE: 118,
  INVALID_REGISTRATION: 119,
  TRANSACTION_ABORTABLE: 120,
  INVALID_RECORD_STATE: 121,
  SHARE_SESSION_NOT_FOUND: 122,
  INVALID_SHARE_SESSION_EPOCH: 123,
  FENCED_STATE_EPOCH: 124,
  INVALID_VOTER_KEY: 125,
  DUPLICATE_VOTER: 126,
  VOTER_NOT_FOUND: 127,
  INVALID_REGULAR_EXPRESSION: 128,
  REBOOTSTRAP_REQUIRED: 129,
  STREAMS_INVALID_TOPOLOGY: 130,
  STREAMS_INVALID_TOPOLOGY_EPOCH: 131,
  STREAMS_TOPOLOGY_FENCED: 132,
  SHARE_SESSION_LIMIT_REACHED: 133,
} as const

export type CodeName = keyof typeof codes

/**
 * - `NONE` done (DUPLICATE_SEQUENCE_NUMBER too: the broker has that batch already).
 * - `RETRY` send the same request again after a short pause; metadata or coordinator has been dropped where it was stale.
 * - `REDO` EndTxn(abort), compute or send the batch again.
 * - `ISOLATE` as REDO, and halve the batch until the record that is refused stands alone.
 * - `REGENERATE` EndTxn(abort), keep the batch, wait for an ownership of a higher generation than the refused one.
 * - `FENCED` the transactional id belongs to someone else now, or was timed out: ask the group, InitProducerId, recovery.
 * - `LOST` not a member any more: every task is lost.
 * - `FATAL` an operator must act: stop with the code's name.
 * - `UNKNOWN` nobody told us what to do: inside a transaction abort and redo once, then stop.
 */
export type ErrorClass = 'NONE' | 'RETRY' | 'REDO' | 'ISOLATE' | 'REGENERATE' | 'FENCED' | 'LOST' | 'FATAL' | 'UNKNOWN'

/**
 * Where the code was answered:
 * - `transaction` Produce or TxnOffsetCommit: what they write is part of an open transaction, so an outcome that is not
 *   known is undone by an abort;
 * - `end` EndTxn or InitProducerId: the question "what was decided?" may be asked again, nothing can be undone;
 * - `group` JoinGroup, SyncGroup, Heartbeat, LeaveGroup, OffsetFetch;
 * - `read` Fetch, ListOffsets, describing things;
 * - `admin` CreateTopics, DeleteRecords.
 */
export type ErrorContext = 'transaction' | 'end' | 'group' | 'read' | 'admin'

type Rule = ErrorClass | Partial<Record<ErrorContext, ErrorClass>>

const rules: Partial<Record<CodeName, Rule>> = {
  NONE: 'NONE',
  DUPLICATE_SEQUENCE_NUMBER: 'NONE',
  TOPIC_ALREADY_EXISTS: { admin: 'NONE' },

  CONCURRENT_TRANSACTIONS: 'RETRY',
  COORDINATOR_LOAD_IN_PROGRESS: 'RETRY',
  COORDINATOR_NOT_AVAILABLE: 'RETRY',
  NOT_COORDINATOR: 'RETRY',
  NOT_CONTROLLER: 'RETRY',
  NOT_LEADER_OR_FOLLOWER: 'RETRY',
  LEADER_NOT_AVAILABLE: 'RETRY',
  BROKER_NOT_AVAILABLE: 'RETRY',
  REPLICA_NOT_AVAILABLE: 'RETRY',
  FENCED_LEADER_EPOCH: 'RETRY',
  UNKNOWN_LEADER_EPOCH: 'RETRY',
  OFFSET_NOT_AVAILABLE: 'RETRY',
  UNSTABLE_OFFSET_COMMIT: 'RETRY',
  NOT_ENOUGH_REPLICAS: 'RETRY',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 'RETRY', // it is in the log: the retry answers DUPLICATE_SEQUENCE_NUMBER
  KAFKA_STORAGE_ERROR: 'RETRY',
  FETCH_SESSION_ID_NOT_FOUND: 'RETRY',
  INVALID_FETCH_SESSION_EPOCH: 'RETRY',
  FETCH_SESSION_TOPIC_ID_ERROR: 'RETRY',
  THROTTLING_QUOTA_EXCEEDED: 'RETRY',
  LISTENER_NOT_FOUND: 'RETRY',
  REBOOTSTRAP_REQUIRED: 'RETRY',
  MEMBER_ID_REQUIRED: { group: 'RETRY' },
  UNKNOWN_TOPIC_OR_PARTITION: 'RETRY', // for 30 s; how long it has been so is the caller's to know
  NETWORK_EXCEPTION: { transaction: 'REDO', end: 'RETRY', group: 'RETRY', read: 'RETRY', admin: 'RETRY' },
  REQUEST_TIMED_OUT: { transaction: 'REDO', end: 'RETRY', group: 'RETRY', read: 'RETRY', admin: 'RETRY' },
  // On the way in it is our own checksum: the batch is encoded again. On the way out the broker may read it again.
  CORRUPT_MESSAGE: { transaction: 'REDO', read: 'RETRY' },

  TRANSACTION_ABORTABLE: { transaction: 'REDO', end: 'REDO' },
  OUT_OF_ORDER_SEQUENCE_NUMBER: { transaction: 'REDO' },
  UNKNOWN_PRODUCER_ID: { transaction: 'REDO' },
  INVALID_TXN_STATE: { transaction: 'REDO', end: 'REDO' },

  MESSAGE_TOO_LARGE: { transaction: 'ISOLATE' },
  RECORD_LIST_TOO_LARGE: { transaction: 'ISOLATE' },
  INVALID_TIMESTAMP: { transaction: 'ISOLATE' },
  INVALID_RECORD: { transaction: 'ISOLATE' },

  ILLEGAL_GENERATION: { transaction: 'REGENERATE', group: 'REGENERATE' },
  REBALANCE_IN_PROGRESS: { transaction: 'REGENERATE', group: 'REGENERATE' },

  PRODUCER_FENCED: { transaction: 'FENCED', end: 'FENCED' },
  INVALID_PRODUCER_EPOCH: { transaction: 'FENCED', end: 'FENCED' },
  INVALID_PRODUCER_ID_MAPPING: { transaction: 'FENCED', end: 'FENCED' },

  UNKNOWN_MEMBER_ID: { transaction: 'LOST', group: 'LOST' },
  FENCED_INSTANCE_ID: { transaction: 'LOST', group: 'LOST' },

  TOPIC_AUTHORIZATION_FAILED: 'FATAL',
  GROUP_AUTHORIZATION_FAILED: 'FATAL',
  CLUSTER_AUTHORIZATION_FAILED: 'FATAL',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'FATAL',
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: 'FATAL',
  SASL_AUTHENTICATION_FAILED: 'FATAL',
  UNSUPPORTED_SASL_MECHANISM: 'FATAL',
  ILLEGAL_SASL_STATE: 'FATAL',
  SECURITY_DISABLED: 'FATAL',
  UNSUPPORTED_VERSION: 'FATAL',
  UNSUPPORTED_FOR_MESSAGE_FORMAT: 'FATAL',
  UNSUPPORTED_COMPRESSION_TYPE: 'FATAL',
  UNKNOWN_TOPIC_ID: 'FATAL', // the topic was deleted or created again
  INCONSISTENT_TOPIC_ID: 'FATAL',
  INCONSISTENT_CLUSTER_ID: 'FATAL',
  OFFSET_OUT_OF_RANGE: { read: 'FATAL', admin: 'FATAL' }, // a committed offset outside the log is never reset silently
  INVALID_TOPIC_EXCEPTION: 'FATAL',
  INVALID_REQUIRED_ACKS: 'FATAL',
  INVALID_TRANSACTION_TIMEOUT: 'FATAL',
  INCONSISTENT_GROUP_PROTOCOL: 'FATAL',
  INVALID_GROUP_ID: 'FATAL',
  INVALID_SESSION_TIMEOUT: 'FATAL',
  GROUP_MAX_SIZE_REACHED: 'FATAL',
  INVALID_PARTITIONS: 'FATAL',
  INVALID_REPLICATION_FACTOR: 'FATAL',
  INVALID_REPLICA_ASSIGNMENT: 'FATAL',
  INVALID_CONFIG: 'FATAL',
  POLICY_VIOLATION: 'FATAL',
}

const namesByCode: ReadonlyMap<number, CodeName> = new Map(
  Object.entries(codes).map(([name, code]) => [code, name as CodeName]),
)

/** `PRODUCER_FENCED`; for a code that is not in the list `CODE_4711`. */
export function nameOf(code: number): string {
  return namesByCode.get(code) ?? `CODE_${code}`
}

/** What to do about a code that was answered in this context; total, also over codes that do not exist yet. */
export function classify(code: number, context: ErrorContext): ErrorClass {
  const name = namesByCode.get(code)
  const rule = name === undefined ? undefined : rules[name]
  if (rule === undefined) return 'UNKNOWN'
  return typeof rule === 'string' ? rule : (rule[context] ?? 'UNKNOWN')
}
