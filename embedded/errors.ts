/** The one error type of the embedded stack: a stable code, one line that says what happened, and what to do about it. */

export type StackErrorCode =
  /** Neither Java with Maven nor a Docker engine, so nothing can be started. */
  | 'stack.unavailable'
  /** Maven could not deliver the artifacts. */
  | 'stack.download_failed'
  /** A server ended or did not answer while it was starting. */
  | 'stack.start_failed'
  /** A requested port is taken. */
  | 'stack.port_in_use'
  /** Another running stack uses the data folder. */
  | 'stack.data_in_use'
  /** A lock was held by someone else for longer than the wait allowed. */
  | 'stack.lock_timeout'

export class StackError extends Error {
  readonly code: StackErrorCode
  readonly remedy: string
  constructor(code: StackErrorCode, what: string, remedy: string, cause?: unknown) {
    super(`${what} ${remedy}`, cause === undefined ? undefined : { cause })
    this.name = 'StackError'
    this.code = code
    this.remedy = remedy
  }
}

/** Where a start reports what it is doing: one line a call, without a line end. Never called per record. */
export type Progress = (line: string) => void
