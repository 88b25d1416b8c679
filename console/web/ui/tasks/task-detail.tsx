/** One task: what it does, why it does not, what can be done about it, its partitions, and some of its state. */
import { useEffect, useRef } from 'preact/hooks'
import type { TaskRow } from '../../../contract.ts'
import { count, duration, rate } from '../../format.ts'
import { go, linkTo } from '../../router.ts'
import { splitReason } from '../overview/troubles.ts'
import { Foreign, StateBadge, Time } from '../parts.tsx'
import { Remedy } from '../remedy.tsx'
import { Scroll } from '../scroll.tsx'
import { OrderButtons } from './order-buttons.tsx'
import type { Order } from './order-text.ts'
import { RestoreBar } from './restore-bar.tsx'
import type { RestoreEta } from './restore-eta.ts'
import { TaskEntries } from './task-entries.tsx'

interface Props {
  readonly row: TaskRow
  readonly eta: RestoreEta
  /** Back to the table alone. */
  readonly back: string
  readonly ask: (order: Order) => void
}

export function TaskDetail({ row, eta, back, ask }: Props) {
  const heading = useRef<HTMLHeadingElement>(null)
  const { task, state, paused, reason, remedy, restore } = row
  // Whoever opened it reads on here.
  // Again for another task.
  useEffect(() => {
    heading.current?.focus({ preventScroll: innerWidth > 1180 })
  }, [task])
  const close = (): void => {
    go(back)
    requestAnimationFrame(() => document.getElementById(`task-${task}`)?.focus())
  }
  return (
    <section
      class="panel task-detail"
      aria-label={`Task ${task}`}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && !(event.target as Element).closest('dialog')) close()
      }}
    >
      <header>
        <h2 ref={heading} tabIndex={-1}>
          Task {task}
        </h2>
        <StateBadge state={state} paused={paused !== null} />
        <div class="actions">
          <OrderButtons rows={[row]} what="" ask={ask} />
          <button type="button" class="quiet" aria-label={`Close task ${task}`} onClick={close}>
            ✕
          </button>
        </div>
      </header>
      <div class="body">
        {reason !== null && state !== 'running' && (
          <Why reason={reason} remedy={remedy} stopped={state === 'stopped'} />
        )}
        {paused !== null && (
          <p class="note held">
            Paused by <Foreign text={paused.by} /> since <Time at={paused.since} />.
          </p>
        )}
        {restore && (
          <RestoreBar
            done={restore.done}
            total={restore.total}
            etaMs={eta.of(task, restore.total)}
            label={`Restore of task ${task}`}
          />
        )}
        <Facts row={row} />
        <Partitions row={row} />
        <TaskEntries task={task} />
      </div>
    </section>
  )
}

function Why({ reason, remedy, stopped }: { reason: string; remedy: string | null; stopped: boolean }) {
  const { code, text } = splitReason(reason)
  return (
    <div class={`note ${stopped ? 'bad' : 'warn'}`}>
      <p>
        {stopped && <code>{code}</code>} <Foreign text={stopped ? text : reason} />
      </p>
      {remedy !== null && (
        <p>
          <strong>Remedy</strong> <Remedy text={remedy} />
        </p>
      )}
    </div>
  )
}

const Facts = ({ row: { instance, recordsPerSecond, batch, ageMs, unapplied } }: { row: TaskRow }) => (
  <dl class="task-facts">
    <div>
      <dt>Instance</dt>
      <dd>
        {instance === null ? (
          'none'
        ) : (
          <a href={linkTo(['tasks'], { instance })}>
            <Foreign text={instance} />
          </a>
        )}
      </dd>
    </div>
    <div>
      <dt>Records</dt>
      <dd class="number">{rate(recordsPerSecond)}</dd>
    </div>
    <div>
      <dt>Last batch in Redis</dt>
      <dd class="number">{batch === null ? '–' : count(batch)}</dd>
    </div>
    <div>
      <dt>Committed</dt>
      <dd class="number">{ageMs === null ? '–' : `${duration(ageMs)} ago`}</dd>
    </div>
    <div>
      <dt>Not yet in Redis</dt>
      <dd class="number">
        {unapplied === null ? '–' : `${count(unapplied)} ${unapplied === 1 ? 'batch' : 'batches'}`}
      </dd>
    </div>
  </dl>
)

const Partitions = ({ row: { task, partitions } }: { row: TaskRow }) => (
  <div class="part-of">
    <h3>Partitions</h3>
    <Scroll label="Partitions, scrollable">
      <table class="partitions">
        <caption class="visually-hidden">Partitions of task {task}</caption>
        <thead>
          <tr>
            <th scope="col">Partition</th>
            <th scope="col" class="right">
              Committed
            </th>
            <th scope="col" class="right">
              End
            </th>
            <th scope="col" class="right">
              Lag
            </th>
          </tr>
        </thead>
        <tbody>
          {partitions.map(({ topic, partition, committed, end, lag, exact }) => (
            <tr key={`${topic}-${partition}`}>
              <th scope="row">
                <Foreign text={`${topic}-${partition}`} />
              </th>
              <td class="right number">{committed === null ? 'none' : count(committed)}</td>
              <td class="right number">{count(end)}</td>
              <td class="right number" title={exact ? 'exact' : 'markers of transactions may be counted in'}>
                {exact ? '' : '≤ '}
                {count(lag)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  </div>
)
