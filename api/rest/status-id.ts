/**
 * The id of a status link: `<partition>-<ms since 1970, base 36>-<request id>`. It tells where the outcome will be and since
 * when it is due, so that any process can answer, and nothing has to be remembered.
 */
export interface StatusId {
  readonly task: number
  readonly timestampMs: number
  readonly requestId: string
}

const FORM = /^(\d{1,5})-([0-9a-z]{1,9})-([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/

export const statusIdText = ({ task, timestampMs, requestId }: StatusId): string =>
  `${task}-${timestampMs.toString(36)}-${requestId}`

/** undefined: it is none. */
export function parseStatusId(text: string): StatusId | undefined {
  const [, task, time, requestId] = FORM.exec(text) ?? []
  if (task === undefined || time === undefined || requestId === undefined) return undefined
  return { task: Number(task), timestampMs: Number.parseInt(time, 36), requestId }
}
