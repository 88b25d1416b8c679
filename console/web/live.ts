/** What every page shows at its head and most show in full: the overview, read once for all of them. */
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Overview, SessionView, TopologyView } from '../contract.ts'
import type { Loaded } from './load.ts'

export const OVERVIEW_EVERY_MS = 2_000

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

/** Whether actions can be offered. */
export const useCanAct = (): boolean => useLive().session.data?.canAct === true
