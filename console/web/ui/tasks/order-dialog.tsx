/** Asks before tasks are paused or resumed: says exactly what will happen, gives the order, tells what came of it. */
import { useState } from 'preact/hooks'
import type { TaskRow, TasksOrder, TasksResult } from '../../../contract.ts'
import { ApiError, post } from '../../api.ts'
import { count } from '../../format.ts'
import { operatorName, setOperatorName } from '../../session.ts'
import { Dialog } from '../dialog.tsx'
import { Failure } from '../parts.tsx'
import { tasksText } from '../task-list.ts'
import { changing, type Order, outcomeText, questionText } from './order-text.ts'

interface Props {
  readonly order: Order | null
  /** How many tasks there are. */
  readonly all: number
  readonly rows: readonly TaskRow[]
  readonly close: () => void
  readonly done: () => void
}

export function OrderDialog({ order, all, rows, close, done }: Props) {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError | null>(null)
  const [result, setResult] = useState<TasksResult | null>(null)
  const leave = (): void => {
    setError(null)
    setResult(null)
    close()
  }
  const give = async (given: Order): Promise<void> => {
    setBusy(true)
    setError(null)
    const by = operatorName()
    const body: TasksOrder = {
      tasks: given.tasks.length === all ? 'all' : given.tasks,
      ...(by === '' ? {} : { by }),
    }
    try {
      setResult(await post<TasksResult>(`/tasks/${given.action}`, body))
      done()
    } catch (problem) {
      setError(problem instanceof ApiError ? problem : new ApiError(0, 'page', String(problem)))
    }
    setBusy(false)
  }
  const verb = order?.action === 'resume' ? 'Resume' : 'Pause'
  return (
    <Dialog title={order ? `${verb} ${countText(order.tasks.length, all)}?` : ''} shown={order !== null} close={leave}>
      {order && result && (
        <div class="order">
          <p role="status">{outcomeText(order, result)}</p>
          <div class="buttons">
            <button type="button" class="primary" onClick={leave}>
              Close
            </button>
          </div>
        </div>
      )}
      {order && !result && (
        <form
          class="order"
          onSubmit={(event) => {
            event.preventDefault()
            setOperatorName(String(new FormData(event.currentTarget).get('name') ?? ''))
            void give(order)
          }}
        >
          <p>
            <strong>{tasksText(order.tasks)}</strong>
          </p>
          <p>{questionText(order, rows)}</p>
          <label>
            Your name, for the record
            <input name="name" maxLength={60} autocomplete="off" value={operatorName()} placeholder="console" />
          </label>
          {error && <Failure error={error} />}
          <div class="buttons">
            <button type="submit" class="primary" disabled={busy || changing(order, rows).length === 0}>
              {busy ? 'One moment…' : `${verb} ${count(changing(order, rows).length)}`}
            </button>
            <button type="button" onClick={leave}>
              Cancel
            </button>
          </div>
        </form>
      )}
    </Dialog>
  )
}

const countText = (tasks: number, all: number): string =>
  tasks === all && all > 1 ? `all ${count(all)} tasks` : tasks === 1 ? 'this task' : `${count(tasks)} tasks`
