/** Whether what is shown is now: a dot, and words for those who do not see it. */
import type { Overview } from '../../contract.ts'
import type { Loaded } from '../load.ts'

export function LiveMark({ overview }: { overview: Loaded<Overview> }) {
  const { data, error } = overview
  const bad = data?.tasks.filter(({ state }) => state === 'stopped').length ?? 0
  const [tone, text] = error
    ? (['bad', error.status === 401 ? 'locked' : 'cut off'] as const)
    : data === null
      ? (['faint', 'connecting'] as const)
      : bad > 0
        ? (['bad', `${bad} stopped`] as const)
        : (['good', 'live'] as const)
  return (
    <span class={`live ${tone}`} role="status" title={error?.message}>
      {text}
    </span>
  )
}
