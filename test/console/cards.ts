/** Cards as an instance would write them, for tests. */
import type { CardNotice, FlowCounts, InstanceCard, TaskCard } from '../../engine/core/instance-card.ts'

export const BOUNDS_MS = [10, 100, 1_000]

export interface CardParts {
  readonly start?: string
  readonly tasks?: readonly TaskCard[]
  readonly notices?: readonly CardNotice[]
  readonly counted?: Partial<FlowCounts>
  readonly ready?: boolean
  readonly reasons?: readonly string[]
}

export function cardOf(atMs: number, { counted, ...more }: CardParts = {}): InstanceCard {
  return {
    format: 1,
    start: 'first',
    url: 'http://127.0.0.1:8080',
    version: '0.1.0',
    startedAtMs: 1_000,
    atMs,
    ready: true,
    reasons: [],
    heapBytes: 1_000_000,
    tasks: [],
    notices: [],
    ...more,
    counted: {
      records: 0,
      forwarded: 0,
      transactions: 0,
      read: {},
      written: {},
      buried: {},
      endToEnd: { boundsMs: BOUNDS_MS, counts: [0, 0, 0, 0] },
      transaction: { boundsMs: BOUNDS_MS, counts: [0, 0, 0, 0] },
      ...counted,
    },
  }
}
