/** All tasks: where they are, how far behind, and why one does not run; to pause them and let them go on. */
import { useCallback, useMemo, useState } from 'preact/hooks'
import type { PageProps } from '../app.tsx'
import { count } from '../format.ts'
import { useLive } from '../live.ts'
import { go, linkTo } from '../router.ts'
import { Empty, Loading, Panel } from '../ui/parts.tsx'
import { Stale } from '../ui/stale.tsx'
import { HeatMap, HeatScale } from '../ui/tasks/heat-map.tsx'
import { OrderButtons } from '../ui/tasks/order-buttons.tsx'
import { OrderDialog } from '../ui/tasks/order-dialog.tsx'
import type { Order } from '../ui/tasks/order-text.ts'
import { TaskDetail } from '../ui/tasks/task-detail.tsx'
import { filtered, filterOf, isFiltered, queryOf, sorted, type TaskFilter } from '../ui/tasks/task-filter.ts'
import { TaskFilters } from '../ui/tasks/task-filters.tsx'
import { TaskTable } from '../ui/tasks/task-table.tsx'
import { useEta } from '../ui/tasks/use-eta.ts'

export function TasksPage({ place }: PageProps) {
  const { overview } = useLive()
  const eta = useEta(overview.data)
  const [order, ask] = useState<Order | null>(null)
  const filter = useMemo(() => filterOf(place.query), [place.query])
  const tasks = overview.data?.tasks ?? []
  const rows = useMemo(() => sorted(filtered(tasks, filter), filter), [tasks, filter])
  const narrowed = isFiltered(filter)
  const isShown = useMemo(() => {
    if (!narrowed) return null
    const shown = new Set(rows.map(({ task }) => task))
    return (task: number): boolean => shown.has(task)
  }, [rows, narrowed])
  const chosen = chosenOf(place.path[1])
  const path = chosen === null ? ['tasks'] : ['tasks', chosen]
  const linkOf = (changed: TaskFilter): string => linkTo(path, queryOf(changed))
  const pick = (numbers: string): void => go(linkOf({ ...filter, tasks: filter.tasks === numbers ? null : numbers }))
  const close = useCallback(() => ask(null), [])

  const stale = overview.error?.status === 401 ? null : <Stale loaded={overview} />
  if (overview.data === null) return stale ?? (overview.error === null ? <Loading what="tasks" /> : null)
  const row = chosen === null ? null : (tasks[chosen] ?? null)
  return (
    <div class={`stack tasks ${overview.error ? 'cut-off' : ''}`}>
      {stale}
      <Panel title="Map of the tasks" actions={<HeatScale />}>
        <HeatMap tasks={tasks} isShown={isShown} pick={pick} />
      </Panel>
      <div class={`beside ${chosen === null ? '' : 'open'}`}>
        <Panel
          title={narrowed ? `${count(rows.length)} of ${count(tasks.length)} tasks` : `${count(tasks.length)} tasks`}
          class="task-list"
          actions={rows.length > 0 && <OrderButtons rows={rows} what={narrowed ? 'these' : 'all'} ask={ask} />}
        >
          <TaskFilters tasks={tasks} filter={filter} linkOf={linkOf} />
          <TaskTable rows={rows} filter={filter} chosen={chosen} eta={eta} />
        </Panel>
        {chosen === null && place.path[1] !== undefined && (
          <Panel title="No such task">
            <Empty>
              A task is a number. <a href={linkTo(['tasks'])}>All tasks</a>
            </Empty>
          </Panel>
        )}
        {chosen !== null &&
          (row ? (
            <TaskDetail row={row} eta={eta} back={linkTo(['tasks'], queryOf(filter))} ask={ask} />
          ) : (
            <Panel title={`Task ${chosen}`}>
              <Empty>
                There are {count(tasks.length)} tasks, from 0 on. <a href={linkTo(['tasks'])}>All tasks</a>
              </Empty>
            </Panel>
          ))}
      </div>
      <OrderDialog order={order} all={tasks.length} rows={tasks} close={close} done={overview.again} />
    </div>
  )
}

/** Null: none is. */
const chosenOf = (text: string | undefined): number | null =>
  text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : null
