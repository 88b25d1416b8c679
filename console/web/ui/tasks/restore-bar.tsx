/** How far a restore is: a bar, and the same in words. */
import { compact, duration } from '../../format.ts'

export function RestoreBar(props: { done: number; total: number; etaMs: number | null; label: string }) {
  const { done, total, etaMs, label } = props
  const part = total === 0 ? 1 : Math.min(1, done / total)
  return (
    <span class="restore">
      <progress max={1} value={part} aria-label={label} />
      <span class="number">
        {Math.floor(part * 100)} %<span class="soft"> of {compact(total)}</span>
      </span>
      <span class="number soft">{etaMs === null ? '' : `${duration(etaMs)} left`}</span>
    </span>
  )
}
