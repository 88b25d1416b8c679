/** What a fault is, and a scene: faults that are done one after the other to one application that is fed all the while. */
import type { ClusterOptions } from '../harness/cluster.ts'
import type { ScenarioOptions } from '../harness/scenario.ts'
import type { Stage } from '../run/stage.ts'

export const GROUPS = ['crash', 'zombie', 'group', 'broker', 'input', 'redis', 'operations'] as const
export type Group = (typeof GROUPS)[number]
export type WorkloadName = 'notes' | 'ledger'

export type Expected =
  | { readonly kind: 'nothing lost' }
  /** Detected, and right again behind the command that is then run. */
  | { readonly kind: 'mended'; readonly by: string }
  /** The service stops, or does not start, with this code; behind the command, which is then run, it goes on. */
  | { readonly kind: 'stops'; readonly code: string; readonly by: string }

export interface Fault {
  readonly name: string
  readonly group: Group
  readonly injects: string
  /** The precondition that is waited for. */
  readonly when: string
  readonly expected: Expected
  /** Of one workload alone, which has what it needs. */
  readonly only?: WorkloadName
  /** Resolves when the injection has ended, mended where that is a command's work: how often the path was really taken. */
  readonly inject: (stage: Stage) => Promise<number>
}

export type ClusterKind = 'proxied' | 'bare' | 'three'

export interface Scene {
  readonly name: string
  readonly cluster: ClusterKind
  /** Servers of its own, which it may ruin: with these settings. */
  readonly own?: (folder: string) => ClusterOptions
  /** Gives back what `own` has taken, when its servers have ended. */
  readonly release?: (folder: string) => void
  readonly instances: number
  readonly perSecond?: number
  readonly notes?: ScenarioOptions
  /** `mended`: records are lost by what is done here, so only that it goes on and Redis is right again is judged. */
  readonly judge?: 'exact' | 'mended'
  /** Why it cannot run here; empty when it can. */
  readonly impossible?: () => Promise<string>
  /** Before the service is started. */
  readonly prepare?: (stage: Stage) => Promise<void>
  readonly faults: readonly Fault[]
}

export const nothingLost: Expected = { kind: 'nothing lost' }

/** One line: `stops offsets.missing; tributary offsets restore --execute`. */
export function expectedText(expected: Expected): string {
  switch (expected.kind) {
    case 'nothing lost':
      return 'nothing lost'
    case 'mended':
      return `found and mended: ${expected.by}`
    case 'stops':
      return `stops \`${expected.code}\`, mended: ${expected.by}`
  }
}
