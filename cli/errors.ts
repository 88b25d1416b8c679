/** The exit codes, documented in --help. */
import type { ErrorKind } from '../operations/errors.ts'

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

export const exitOf = (kind: ErrorKind): Exit => (kind === 'refused' ? EXIT.negative : EXIT[kind])
