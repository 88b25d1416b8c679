/**
 * Goes on with the state as it is where input was lost: the rules are core/skip.ts. Owns the order: missing topics are
 * created, then committed offsets are written, then the next checkpoint records. A task that sees only a part of it stops
 * (`topic.recreated`, `offsets.mismatch`), and the same command ends what was begun.
 */
import { systemClock } from '../engine/clock.ts'
import type { Plan } from '../engine/core/plan.ts'
import { type PreparationOptions, prepare } from '../engine/preparation.ts'
import type { KafkaContext } from './context.ts'
import type { OffsetFacts, OffsetPlan } from './core/offsets.ts'
import { planSkip, type SkipTarget } from './core/skip.ts'
import { missingSources } from './deployment.ts'
import { gatherFacts, membersInTheWay, writePlan } from './offsets.ts'

export interface SkipRequest {
  readonly targets: readonly SkipTarget[]
  /** False: nothing is written. */
  readonly execute: boolean
}

export interface SkipReport {
  readonly facts: OffsetFacts
  /** Topics that are, or would be, created. */
  readonly created: readonly string[]
  readonly planned: OffsetPlan
  readonly refused: readonly string[]
  readonly written: boolean
}

/** `plan` of the context may lack topics (`repartitionMayMiss`). Throws OperationError, StartError, RequestLost. */
export async function skip(
  context: KafkaContext,
  options: PreparationOptions,
  { targets, execute }: SkipRequest,
): Promise<SkipReport> {
  const missing = missingTopics(context, options)
  const before = await gatherFacts(context)
  const planned = planSkip({ ...before, missing }, targets)
  const members = await membersInTheWay(context)
  const refused = [...members, ...planned.problems]
  const created = planned.records.length > 0 ? [...missing] : []
  if (!execute || refused.length > 0 || planned.records.length === 0)
    return { facts: before, created, planned, refused, written: false }
  if (missing.size === 0) return finish(context, before, planned, created)
  const { plan } = await prepare(context.kafka, systemClock, () => {}, { ...options, recreateRepartition: true })
  const facts = await gatherFacts({ kafka: context.kafka, plan })
  const now = planSkip({ ...facts, missing: new Set() }, targets)
  if (now.problems.length > 0) return { facts, created, planned: now, refused: now.problems, written: false }
  return finish({ kafka: context.kafka, plan }, facts, now, created)
}

async function finish(
  context: KafkaContext,
  facts: OffsetFacts,
  planned: OffsetPlan,
  created: readonly string[],
): Promise<SkipReport> {
  await writePlan(context, planned)
  return { facts, created, planned, refused: [], written: true }
}

/** Of those that the tasks read: another that is missing is created by the next start. */
function missingTopics({ plan }: { plan: Plan }, options: PreparationOptions): ReadonlySet<string> {
  const missing = missingSources(plan, options)
  return plan.repartition.partitions === 0 ? new Set([...missing, plan.repartition.topic]) : missing
}
