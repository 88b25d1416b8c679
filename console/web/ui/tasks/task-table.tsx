/** The tasks, one row each, as a window upon them: only the rows in sight are there. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { TaskRow } from '../../../contract.ts'
import { compact, count, duration, rate } from '../../format.ts'
import { linkTo } from '../../router.ts'
import { Empty, Foreign, StateBadge } from '../parts.tsx'
import { RestoreBar } from './restore-bar.tsx'
import type { RestoreEta } from './restore-eta.ts'
import { queryOf, type Sort, sortedBy, type TaskFilter } from './task-filter.ts'
import { rowWindow } from './window.ts'

/** As tasks.css has it. */
const ROW_HEIGHT = 37

interface Props {
  readonly rows: readonly TaskRow[]
  readonly filter: TaskFilter
  readonly chosen: number | null
  readonly eta: RestoreEta
}

const COLUMNS: readonly { readonly sort: Sort; readonly title: string; readonly right?: boolean }[] = [
  { sort: 'task', title: 'Task' },
  { sort: 'state', title: 'State' },
  { sort: 'instance', title: 'Instance' },
  { sort: 'lag', title: 'Lag', right: true },
  { sort: 'rate', title: 'Records', right: true },
  { sort: 'batch', title: 'Batch', right: true },
  { sort: 'age', title: 'Age', right: true },
  { sort: 'unapplied', title: 'Unapplied', right: true },
]

/** Left out while one task is shown in full. */
const BESIDE: readonly Sort[] = ['batch', 'unapplied']

export function TaskTable({ rows, filter, chosen, eta }: Props) {
  const scroller = useRef<HTMLElement>(null)
  const [seen, see] = useState({ scrolled: 0, height: 700 })
  const measure = (): void => {
    const element = scroller.current
    if (!element) return
    // By whole rows, so that scrolling within one draws nothing again.
    const scrolled = Math.floor(element.scrollTop / ROW_HEIGHT) * ROW_HEIGHT
    const height = element.clientHeight
    see((old) => (old.scrolled === scrolled && old.height === height ? old : { scrolled, height }))
  }
  // With fewer rows it scrolls back by itself, and tells nobody.
  useLayoutEffect(measure, [rows.length])
  // Those are told beside it.
  const columns = chosen === null ? COLUMNS : COLUMNS.filter(({ sort }) => !BESIDE.includes(sort))
  const { from, to, before, after } = rowWindow(rows.length, ROW_HEIGHT, seen.scrolled, seen.height)
  if (rows.length === 0) return <Empty>No task is like that. Take a filter away to see more.</Empty>
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section ref={scroller} class="task-rows" tabIndex={0} aria-label="Tasks, scrollable" onScroll={measure}>
      <table aria-rowcount={rows.length + 1}>
        <caption class="visually-hidden">Tasks</caption>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map(({ sort, title, right }) => (
              <th
                key={sort}
                scope="col"
                class={`${sort} ${right ? 'right' : ''}`}
                aria-sort={filter.sort !== sort ? 'none' : filter.down ? 'descending' : 'ascending'}
              >
                <a
                  href={linkTo(['tasks', ...(chosen === null ? [] : [chosen])], queryOf(sortedBy(filter, sort)))}
                  aria-label={`Sort by ${title.toLowerCase()}`}
                >
                  <span class="title">{title}</span>
                  <span aria-hidden="true" class="arrow">
                    {filter.sort !== sort ? '' : filter.down ? '↓' : '↑'}
                  </span>
                </a>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {before > 0 && <Spacer height={before} columns={columns.length} />}
          {rows.slice(from, to).map((row, index) => (
            <Row key={row.task} row={row} at={from + index} filter={filter} chosen={chosen} eta={eta} />
          ))}
          {after > 0 && <Spacer height={after} columns={columns.length} />}
        </tbody>
      </table>
    </section>
  )
}

const Spacer = ({ height, columns }: { height: number; columns: number }) => (
  // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a row of a table is not focusable
  <tr aria-hidden="true" class="spacer">
    <td colSpan={columns} style={{ height: `${height}px` }} />
  </tr>
)

interface RowProps {
  readonly row: TaskRow
  readonly at: number
  readonly filter: TaskFilter
  readonly chosen: number | null
  readonly eta: RestoreEta
}

function Row({ row, at, filter, chosen, eta }: RowProps) {
  const { task, state, paused, reason, instance, lag, exact, recordsPerSecond, batch, ageMs, unapplied, restore } = row
  const link = linkTo(['tasks', task], queryOf(filter))
  return (
    <tr
      aria-rowindex={at + 2}
      aria-current={chosen === task ? 'true' : undefined}
      class="row"
      onClick={(event) => {
        // For the mouse: the link is what keyboards and readers use.
        if (!(event.target as Element).closest('a, button')) location.hash = link
      }}
    >
      <th scope="row" class="number">
        <a href={link} id={`task-${task}`} aria-label={`Task ${task}`}>
          {task}
        </a>
      </th>
      <td class="state">
        <span class="line">
          <StateBadge state={state} paused={paused !== null} />
          {paused !== null && state !== 'running' && <span class="soft">paused</span>}
          {restore ? (
            <RestoreBar
              done={restore.done}
              total={restore.total}
              etaMs={eta.of(task, restore.total)}
              label={`Restore of task ${task}`}
            />
          ) : (
            reason !== null && state !== 'running' && <Foreign text={reason} class="soft" />
          )}
          {paused !== null && state === 'running' && (
            <span class="soft">
              by <Foreign text={paused.by} />
            </span>
          )}
        </span>
      </td>
      <td>
        <span class="line">{instance === null ? <span class="soft">none</span> : <Foreign text={instance} />}</span>
      </td>
      <td class="right number" title={count(lag)}>
        {exact ? '' : '≤ '}
        {compact(lag)}
      </td>
      <td class="right number">{rate(recordsPerSecond)}</td>
      {chosen === null && <td class="right number">{batch === null ? '–' : count(batch)}</td>}
      <td class="right number">{duration(ageMs)}</td>
      {chosen === null && <td class="right number">{unapplied === null ? '–' : count(unapplied)}</td>}
    </tr>
  )
}
