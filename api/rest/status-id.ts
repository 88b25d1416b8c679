/**
 * The id of a status link: `<partition>-<ms since 1970, base 36>-<request id>-<fingerprint>`. It tells where the outcome will
 * be, since when it is due, and of which of the requests that share a key, so that any process can answer, and nothing has to
 * be remembered.
 */
export interface StatusId {
  readonly task: number
  readonly timestampMs: number
  readonly requestId: string
  /** Of what was asked for: a key may have been used for something else before. */
  readonly fingerprint: string
}

const FORM = /^(\d{1,5})-([0-9a-z]{1,9})-([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})-([0-9a-f]{32})$/

export const statusIdText = ({ task, timestampMs, requestId, fingerprint }: StatusId): string =>
  `${task}-${timestampMs.toString(36)}-${requestId}-${fingerprint}`

/** undefined: it is none. */
export function parseStatusId(text: string): StatusId | undefined {
  const [, task, time, requestId, fingerprint] = FORM.exec(text) ?? []
  if (task === undefined || time === undefined || requestId === undefined || fingerprint === undefined) return undefined
  return { task: Number(task), timestampMs: Number.parseInt(time, 36), requestId, fingerprint }
}
