/** How long the restores that are under way will take, as far as the looks so far tell. */
import { useRef } from 'preact/hooks'
import type { Overview } from '../../../contract.ts'
import { RestoreEta } from './restore-eta.ts'

export function useEta(overview: Overview | null): RestoreEta {
  const eta = useRef<RestoreEta | null>(null)
  eta.current ??= new RestoreEta()
  if (overview) eta.current.take(overview)
  return eta.current
}
