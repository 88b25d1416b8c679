/** Asking Kafka until it answers something that counts, and not for ever. */
import { setTimeout as sleep } from 'node:timers/promises'
import { classify, codes, type ErrorContext, nameOf } from '../engine/core/kafka-errors.ts'
import { type Code, RequestLost } from '../engine/ports.ts'
import { OperationError } from './errors.ts'

/** Longer than a transaction can stay open: its timeout of 5 s, and up to 10 s until the broker looks for it. */
export const PATIENCE_MS = 20_000
const RETRY_MS = 20
/** While a living owner's transaction is pending, which takes milliseconds. */
const UNSTABLE_RETRY_MS = 3

/** @returns the first answer whose code is NONE. @throws OperationError `kafka.unreachable`, `kafka.refused` */
export async function answerOf<T>(
  what: string,
  context: ErrorContext,
  ask: () => Promise<T>,
  codeOf: (answer: T) => Code,
): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    let reason: string
    let pauseMs = RETRY_MS
    try {
      const answer = await ask()
      const code = codeOf(answer)
      const found = classify(code, context)
      if (found === 'NONE') return answer
      if (found !== 'RETRY') throw new OperationError('kafka.refused', 'unreachable', `${what}: ${nameOf(code)}`)
      reason = nameOf(code)
      if (code === codes.UNSTABLE_OFFSET_COMMIT) pauseMs = UNSTABLE_RETRY_MS
    } catch (error) {
      if (!(error instanceof RequestLost)) throw error
      reason = error.message
    }
    if (performance.now() > deadline)
      throw new OperationError(
        'kafka.unreachable',
        'unreachable',
        `${what}: still ${reason} after ${PATIENCE_MS / 1_000} s`,
      )
    await sleep(pauseMs)
  }
}

/** The first code of a list that is not NONE; 0 when there is none. */
export const worstOf = (answers: readonly { readonly code: Code }[]): Code =>
  answers.find(({ code }) => code !== 0)?.code ?? 0
