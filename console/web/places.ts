/** How the service names places in logs, and traces. Pure. */

export interface LogPlace {
  readonly topic: string | null
  readonly partition: number
  readonly offset: number
}

/** `topic-3@17`, or `3@17`. Null: it is none. */
export function parsePlace(text: string): LogPlace | null {
  const match = /^(?:(.+)-)?(\d{1,6})@(\d{1,16})$/.exec(text)
  return match && { topic: match[1] ?? null, partition: Number(match[2]), offset: Number(match[3]) }
}

/** `topic-3`: of a replay's target. Null: it is none. */
export function parsePartition(text: string): { readonly topic: string; readonly partition: number } | null {
  const match = /^(.+)-(\d{1,6})$/.exec(text)
  return match && { topic: match[1]!, partition: Number(match[2]) }
}

export const placeText = ({ partition, offset }: Pick<LogPlace, 'partition' | 'offset'>): string =>
  `${partition}@${offset}`

/** Trace id of a W3C `traceparent`; null: it is none. Source: W3C Trace Context, section 3.2. */
export function traceIdOf(traceparent: string | null): string | null {
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/.exec(traceparent ?? '')
  return match && !/^0+$/.test(match[1]!) ? match[1]! : null
}
