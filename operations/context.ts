/** What operations work with, handed in: the command line, an HTTP interface and tests bring their own. Owns nothing. */
import type { Plan } from '../engine/core/plan.ts'
import type { KafkaOperator } from '../engine/kafka/operator.ts'
import type { Kafka } from '../engine/ports.ts'
import type { StateReader, StoreAdmin } from '../stores/ports.ts'

/** For operations that need no Redis. */
export interface KafkaContext {
  readonly plan: Plan
  readonly kafka: Kafka
}

export interface Context extends KafkaContext {
  readonly reader: StateReader
  readonly admin: StoreAdmin
}

/** For those that delete, or look deeper than the engine does. */
export interface OperatorContext extends Context {
  readonly operator: KafkaOperator
}
