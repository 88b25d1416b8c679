/** What the doctor found, in the order in which somebody wants to read it. Pure. */
import type { DoctorView } from '../../../contract.ts'

export type Finding = DoctorView['findings'][number]
export type FindingState = Finding['state']

const BY_URGENCY: readonly FindingState[] = ['fail', 'warn', 'skipped', 'ok']

export interface Area {
  readonly name: string
  readonly worst: FindingState
  readonly findings: readonly Finding[]
}

/** By what stands before the dot of their names; worst first, else as they came. */
export function areasOf(findings: readonly Finding[]): readonly Area[] {
  const areas = Map.groupBy(findings, ({ check }) => check.split('.', 1)[0]!)
  return [...areas]
    .map(([name, of]) => {
      const sorted = of.toSorted((a, b) => urgency(a.state) - urgency(b.state))
      return { name, worst: sorted[0]!.state, findings: sorted }
    })
    .sort((a, b) => urgency(a.worst) - urgency(b.worst))
}

const urgency = (state: FindingState): number => BY_URGENCY.indexOf(state)

export function counted(findings: readonly Finding[]): Readonly<Record<FindingState, number>> {
  const of = { fail: 0, warn: 0, skipped: 0, ok: 0 }
  for (const { state } of findings) of[state]++
  return of
}

/** Names and values as lines; what is nested gets a name with dots. */
export function linesOf(
  config: Readonly<Record<string, unknown>>,
  prefix = '',
): readonly (readonly [string, string])[] {
  return Object.entries(config).flatMap(([name, value]): readonly (readonly [string, string])[] => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return linesOf(value as Record<string, unknown>, `${prefix}${name}.`)
    return [[`${prefix}${name}`, typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)]]
  })
}
