/** Buttons that give orders to tasks; without the token they are there, and say why they do nothing. */
import { useId } from 'preact/hooks'
import type { TaskRow } from '../../../contract.ts'
import { count } from '../../format.ts'
import { useCanAct } from '../../live.ts'
import type { Order } from './order-text.ts'

interface Props {
  readonly rows: readonly TaskRow[]
  /** What they are, in the buttons: `all`, `these`, or nothing for one. */
  readonly what: string
  readonly ask: (order: Order) => void
}

export function OrderButtons({ rows, what, ask }: Props) {
  const canAct = useCanAct()
  const why = useId()
  const tasks = rows.map(({ task }) => task).sort((a, b) => a - b)
  const paused = rows.filter((row) => row.paused !== null).length
  const described = canAct ? undefined : why
  return (
    <span class="orders">
      {!canAct && (
        <span id={why} class="soft">
          needs the token
        </span>
      )}
      <button
        type="button"
        disabled={!canAct || paused === rows.length}
        aria-describedby={described}
        onClick={() => ask({ action: 'pause', tasks })}
      >
        {what === '' ? 'Pause' : `Pause ${what} ${count(rows.length)}`}
      </button>
      <button
        type="button"
        disabled={!canAct || paused === 0}
        aria-describedby={described}
        onClick={() => ask({ action: 'resume', tasks })}
      >
        {what === '' || paused === 0 ? 'Resume' : `Resume ${count(paused)}`}
      </button>
    </span>
  )
}
