/**
 * Whether the topics that the application writes to are still those of its plan. A partition that is gone cannot be looked
 * at, and until it is, nothing is written anywhere (engine/lane-guard.ts): such a topic must be named, and end in a stop.
 * Pure. What is read: the fetcher notices when a source is gone.
 */
import type { TopicInfo } from '../ports.ts'
import type { Plan } from './plan.ts'
import type { StopCodeName } from './stop-codes.ts'

export interface TopicTrouble {
  readonly topic: string
  /** With which it stops when it stays so. */
  readonly code: StopCodeName
  readonly message: string
}

export const writtenTopics = ({ sinks, changelog, repartition, deadLetters }: Plan): readonly string[] => [
  ...new Set([...sinks.values(), changelog, repartition, deadLetters].map(({ topic }) => topic)),
]

/** `found`: fresh metadata; a topic that does not exist is not in it. */
export function topicTroubles(plan: Plan, found: ReadonlyMap<string, TopicInfo>): readonly TopicTrouble[] {
  const { sinks, changelog, repartition, deadLetters } = plan
  const troubles = new Map<string, TopicTrouble>()
  for (const { topic, topicId } of [changelog, repartition]) {
    const now = found.get(topic)
    if (!now) troubles.set(topic, { topic, code: 'topic.internal_missing', message: `${topic} does not exist` })
    else if (now.topicId !== topicId) {
      const message = `${topic} is another topic than the one at start (${topicId}, now ${now.topicId})`
      troubles.set(topic, { topic, code: 'topic.recreated', message })
    }
  }
  for (const { topic, partitions } of [...sinks.values(), deadLetters]) {
    const now = found.get(topic)
    if (!now) troubles.set(topic, { topic, code: 'topic.missing', message: `${topic} does not exist` })
    else if (now.partitions < partitions) {
      const message = `${topic} has ${now.partitions} partitions, it had ${partitions} at start`
      troubles.set(topic, { topic, code: 'topic.recreated', message })
    }
  }
  return [...troubles.values()]
}

/** Whether the changelog's `cleanup.policy` keeps the newest record of every key for ever. */
export const keepsState = (cleanupPolicy: string | undefined): boolean => cleanupPolicy?.trim() === 'compact'
