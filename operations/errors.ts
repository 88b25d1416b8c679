/** Why an operation did not do its work: a stable code, one line, and of which kind it is. The codes: docs/errors.md. */

/**
 * `refused`: the state of things does not allow it, or what was asked for is not there · `usage`: the caller must ask for
 * something else · `unreachable`: Kafka or Redis cannot be reached, does not answer, or does not allow it.
 */
export type ErrorKind = 'refused' | 'usage' | 'unreachable'

export class OperationError extends Error {
  readonly code: string
  readonly kind: ErrorKind
  constructor(code: string, kind: ErrorKind, message: string) {
    super(message)
    this.name = 'OperationError'
    this.code = code
    this.kind = kind
  }
}
