/** Every request layout of engine/kafka/protocol. */

import { addOffsetsToTxnApi } from '../../engine/kafka/protocol/add-offsets-to-txn.ts'
import { addPartitionsToTxnApi } from '../../engine/kafka/protocol/add-partitions-to-txn.ts'
import type { AnswerReader } from '../../engine/kafka/protocol/answer-reader.ts'
import { apiVersionsApi } from '../../engine/kafka/protocol/api-versions.ts'
import { createTopicsApi } from '../../engine/kafka/protocol/create-topics.ts'
import { deleteGroupsApi } from '../../engine/kafka/protocol/delete-groups.ts'
import { deleteRecordsApi } from '../../engine/kafka/protocol/delete-records.ts'
import { deleteTopicsApi } from '../../engine/kafka/protocol/delete-topics.ts'
import { describeConfigsApi } from '../../engine/kafka/protocol/describe-configs.ts'
import { describeGroupsApi } from '../../engine/kafka/protocol/describe-groups.ts'
import { describeProducersApi } from '../../engine/kafka/protocol/describe-producers.ts'
import { describeQuorumApi } from '../../engine/kafka/protocol/describe-quorum.ts'
import { describeTransactionsApi } from '../../engine/kafka/protocol/describe-transactions.ts'
import { endTxnApi } from '../../engine/kafka/protocol/end-txn.ts'
import { fetchApi } from '../../engine/kafka/protocol/fetch.ts'
import { findCoordinatorApi } from '../../engine/kafka/protocol/find-coordinator.ts'
import { heartbeatApi } from '../../engine/kafka/protocol/heartbeat.ts'
import { initProducerIdApi } from '../../engine/kafka/protocol/init-producer-id.ts'
import { joinGroupApi } from '../../engine/kafka/protocol/join-group.ts'
import { leaveGroupApi } from '../../engine/kafka/protocol/leave-group.ts'
import { listOffsetsApi } from '../../engine/kafka/protocol/list-offsets.ts'
import { listTransactionsApi } from '../../engine/kafka/protocol/list-transactions.ts'
import { metadataApi } from '../../engine/kafka/protocol/metadata.ts'
import { offsetCommitApi } from '../../engine/kafka/protocol/offset-commit.ts'
import { offsetFetchApi } from '../../engine/kafka/protocol/offset-fetch.ts'
import { produceApi } from '../../engine/kafka/protocol/produce.ts'
import { syncGroupApi } from '../../engine/kafka/protocol/sync-group.ts'
import { txnOffsetCommitApi } from '../../engine/kafka/protocol/txn-offset-commit.ts'
import { writeTxnMarkersApi } from '../../engine/kafka/protocol/write-txn-markers.ts'

export interface AnyApi {
  readonly name: string
  readonly key: number
  readonly version: number
  decode(answer: AnswerReader): unknown
}

export const allApis: readonly AnyApi[] = [
  addOffsetsToTxnApi,
  addPartitionsToTxnApi,
  apiVersionsApi,
  createTopicsApi,
  deleteGroupsApi,
  deleteRecordsApi,
  deleteTopicsApi,
  describeConfigsApi,
  describeGroupsApi,
  describeProducersApi,
  describeQuorumApi,
  describeTransactionsApi,
  endTxnApi,
  fetchApi,
  findCoordinatorApi,
  heartbeatApi,
  initProducerIdApi,
  joinGroupApi,
  leaveGroupApi,
  listOffsetsApi,
  listTransactionsApi,
  metadataApi,
  offsetCommitApi,
  offsetFetchApi,
  produceApi,
  syncGroupApi,
  txnOffsetCommitApi,
  writeTxnMarkersApi,
]
