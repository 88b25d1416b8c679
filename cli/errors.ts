/** How a command ends when it cannot do its work: a stable code, one line, and the exit code that goes with it. */

/** Documented in --help. */
export const EXIT = {
  ok: 0,
  /** Differences were found, nothing was found, or the command refuses. */
  negative: 1,
  /** Usage or configuration. */
  usage: 2,
  /** Kafka or Redis cannot be reached, or does not answer. */
  unreachable: 3,
} as const

export type Exit = (typeof EXIT)[keyof typeof EXIT]

export class CliError extends Error {
  readonly code: string
  readonly exit: Exit
  constructor(code: string, exit: Exit, message: string) {
    super(message)
    this.name = 'CliError'
    this.code = code
    this.exit = exit
  }
}
