/**
 * Errors of the topology language. A TopologyError is a mistake of the author, found before anything starts; a
 * DeadLetter is a record that cannot be processed, thrown by decoders and turned into a dead letter by the engine.
 */

/** A mistake in a topology. `code` is stable and listed in docs/errors.md. */
export class TopologyError extends Error {
  readonly code: string
  readonly remedy: string
  constructor(code: string, message: string, remedy: string) {
    super(`${message} (${code}). ${remedy}`)
    this.name = 'TopologyError'
    this.code = code
    this.remedy = remedy
  }
}

/**
 * This record goes to the dead letters: thrown while decoding, or by a transform. `code` becomes the header
 * `dead-letter.reason`, the message `dead-letter.message`. It carries no stack: bad input may come in floods.
 */
export class DeadLetter extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    const limit = Error.stackTraceLimit
    Error.stackTraceLimit = 0
    super(message)
    Error.stackTraceLimit = limit
    this.name = 'DeadLetter'
    this.code = code
  }
}
