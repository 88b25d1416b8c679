/** What a service that has ended may have left on the cluster, and what is taken away there. */
import { setTimeout as sleep } from 'node:timers/promises'
import { codes } from '../engine/core/kafka-errors.ts'
import { mayBeOurs } from '../engine/core/transactional-id.ts'
import type { KafkaOperator } from '../engine/kafka/operator.ts'
import type { Kafka } from '../engine/ports.ts'
import { OperationError } from './errors.ts'
import { answerOf, PATIENCE_MS } from './patience.ts'

export const OPEN_STATES = ['Ongoing', 'PrepareCommit', 'PrepareAbort', 'PrepareEpochFence']
const POLL_MS = 50

/** Transactional ids of the application whose transaction is not over. */
export async function openTransactions(kafka: Kafka, application: string): Promise<readonly string[]> {
  const open = await kafka.transactions.list({ states: OPEN_STATES })
  return open.map(({ transactionalId }) => transactionalId).filter((id) => mayBeOurs(application, id))
}

/** Resolves when no broker shows it any more. Throws OperationError. */
export async function deleteTopic(operator: KafkaOperator, topic: string): Promise<void> {
  await answerOf(
    `deleting ${topic}`,
    'admin',
    () => operator.deleteTopics([topic]),
    (answer) => {
      const code = answer.get(topic) ?? codes.UNKNOWN_SERVER_ERROR
      return code === codes.UNKNOWN_TOPIC_OR_PARTITION ? 0 : code
    },
  )
  const deadline = performance.now() + PATIENCE_MS
  while ((await operator.topics([topic])).get(topic)?.code !== codes.UNKNOWN_TOPIC_OR_PARTITION) {
    if (performance.now() > deadline)
      throw new OperationError('kafka.unreachable', 'unreachable', `${topic} is deleted and still shown`)
    await sleep(POLL_MS)
  }
}
