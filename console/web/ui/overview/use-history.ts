/** Points of the charts: read when the page is opened and now and then, so that nothing stays missing; each overview adds one. */
import { useMemo, useRef } from 'preact/hooks'
import type { Overview, Series } from '../../../contract.ts'
import { useLoad } from '../../load.ts'
import { type Columns, columnsOf, joined, type Point, pointOf, pointsOf } from './history.ts'

const SERIES_EVERY_MS = 60_000

export function useHistory(overview: Overview | null): Columns {
  const series = useLoad<Series>('/series', {}, SERIES_EVERY_MS)
  const since = useRef<readonly Point[]>([])
  const lastMs = since.current.at(-1)?.atMs ?? 0
  if (overview && overview.atMs > lastMs) since.current = joined(since.current, [pointOf(overview)])
  return useMemo(
    () => columnsOf(joined(series.data ? pointsOf(series.data) : [], since.current)),
    [series.data, since.current],
  )
}
