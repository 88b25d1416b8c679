/**
 * The broker answered a question with an error where the port has no room for a code. What waiting mends becomes a
 * RequestLost, so that callers ask again; anything else is a KafkaRefused. Owns that translation.
 */

import { classify, type ErrorContext, nameOf } from '../core/kafka-errors.ts'
import { type Code, RequestLost } from '../ports.ts'

export class KafkaRefused extends Error {
  readonly code = 'kafka.refused'
  readonly api: string
  readonly kafkaCode: Code
  constructor(api: string, kafkaCode: Code, message: string | null) {
    const said = message ? ` ("${message}")` : ''
    super(`${api}: the broker answered ${nameOf(kafkaCode)}${said}; remedy: grant the right or mend what it names`)
    this.name = 'KafkaRefused'
    this.api = api
    this.kafkaCode = kafkaCode
  }
}

/** @throws RequestLost (retriable) or KafkaRefused, unless the code is 0 */
export function expectNone(api: string, code: Code, context: ErrorContext, message: string | null = null): void {
  const found = classify(code, context)
  if (found === 'NONE') return
  if (found === 'RETRY') throw new RequestLost(api, true, `the broker answered ${nameOf(code)}`)
  throw new KafkaRefused(api, code, message)
}
