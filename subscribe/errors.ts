/** Why a subscription ends. `code` is stable and listed in docs/errors.md, with the remedy that is given here. */

export const eventCodes = {
  'events.from_invalid': {
    meaning: 'What was asked to resume from is no place in this topic.',
    remedy: "Give the id of an event of this topic, 'earliest' or 'latest'.",
  },
  'events.topic_missing': {
    meaning: 'The topic does not exist.',
    remedy: 'Start the application once, which creates its topics, or check the topic’s name.',
  },
  'events.refused': {
    meaning: 'The cluster does not allow the topic to be read.',
    remedy: 'kafka-acls.sh --add --allow-principal … --operation Read --topic …',
  },
  'events.corrupt': {
    meaning: 'The topic cannot be decoded.',
    remedy: 'kafka-dump-log.sh on the partition; resume behind the offset that the message names.',
  },
  'events.undecodable': {
    meaning: 'The value of an event is not what the sink writes: somebody else writes to the topic.',
    remedy: 'Find the writer; or pass `decode`, and answer what you like for such a value.',
  },
  'events.gap': {
    meaning: 'Events were deleted before they were read, or the topic was created again, and no `onGap` was given.',
    remedy: 'Pass `onGap` to go on behind the gap; read what you keep of the events anew.',
  },
} as const satisfies Record<string, { meaning: string; remedy: string }>

export type EventCode = keyof typeof eventCodes

export class SubscribeError extends Error {
  readonly code: EventCode
  readonly remedy: string
  constructor(code: EventCode, message: string, cause?: unknown) {
    super(`${message} (${code}). ${eventCodes[code].remedy}`, { cause })
    this.name = 'SubscribeError'
    this.code = code
    this.remedy = eventCodes[code].remedy
  }
}

/** A topic that the cluster does not let be read, as an error of this list; any other error as it is. */
export function refusedAs(topic: string, error: unknown): unknown {
  return error instanceof Error && error.name === 'KafkaRefused'
    ? new SubscribeError('events.refused', `${topic}: ${error.message}`, error)
    : error
}
