/** What every page shows at its head and most show in full: the overview, read once for all of them. */
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Overview, SessionView, TopologyView } from '../contract.ts'
import type { Loaded } from './load.ts'

export const OVERVIEW_EVERY_MS = 2_000
/** It needs neither Kafka nor Redis. A service that has started again may want another token. */
export const SESSION_EVERY_MS = 2_000

/** The instances as they tell, and the one that answers as it knows itself: what it tells goes by Redis, which may be away. */
export function withOwnReadiness<T extends Pick<Overview, 'instances'>>(overview: T, session: SessionView | null): T {
  if (session === null) return overview
  const { ready, reasons } = session
  const instances = overview.instances.map((of) => (of.self ? { ...of, ready, reasons, heardAgoMs: 0 } : of))
  return { ...overview, instances }
}

export interface Live {
  readonly overview: Loaded<Overview>
  readonly topology: Loaded<TopologyView>
  readonly session: Loaded<SessionView>
}

export const LiveContext = createContext<Live | null>(null)

export function useLive(): Live {
  const live = useContext(LiveContext)
  if (live === null) throw new Error('useLive outside of the app')
  return live
}

/** A token that was right may be so no more: whoever must have one to look is told that by a refusal alone. */
export const canActBy = ({ data, error }: Loaded<SessionView>): boolean =>
  data?.canAct === true && error?.status !== 401

/** Whether actions can be offered. */
export const useCanAct = (): boolean => canActBy(useLive().session)
