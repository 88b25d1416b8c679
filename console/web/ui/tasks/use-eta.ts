import { useRef } from 'preact/hooks'
import type { Overview } from '../../../contract.ts'
import { RestoreEta } from './restore-eta.ts'

export function useEta(overview: Overview | null): RestoreEta {
  const eta = useRef<RestoreEta | null>(null)
  eta.current ??= new RestoreEta()
  if (overview) eta.current.take(overview)
  return eta.current
}
