/**
 * All tasks at a glance. A cell tells the state by colour and mark, and how much waits by brightness; one cell, or a row of
 * them drawn over, becomes the filter of the table, which tells the same in words. Owns which cell is pointed at.
 */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { TaskRow } from '../../../contract.ts'
import { compact } from '../../format.ts'
import { Foreign } from '../parts.tsx'
import { rangeText } from '../task-list.ts'
import { pageState } from '../task-states.ts'
import {
  cellAt,
  type HeatLayout,
  heatFills,
  heatLayout,
  heatMarks,
  indexAt,
  LAG_STEP_WORDS,
  stepped,
} from './heat-layout.ts'

interface Props {
  /** All of them, in order. */
  readonly tasks: readonly TaskRow[]
  /** Whether the table shows it. */
  readonly isShown: ((task: number) => boolean) | null
  readonly pick: (tasks: string) => void
}

export function HeatMap({ tasks, isShown, pick }: Props) {
  const [host, width] = useWidth()
  const [at, setAt] = useState(0)
  const [pointed, point] = useState<number | null>(null)
  const [dragFrom, drag] = useState<number | null>(null)
  const [focused, setFocused] = useState(false)
  const layout = useMemo(() => heatLayout(tasks.length, width), [tasks.length, width])
  const current = Math.min(at, tasks.length - 1)
  const looked = pointed ?? (focused ? current : null)
  const under = (event: PointerEvent): number | null => {
    const box = (event.currentTarget as Element).getBoundingClientRect()
    return indexAt(event.clientX - box.left, event.clientY - box.top, tasks.length, layout)
  }
  const done = (to: number | null): void => {
    if (dragFrom !== null && to !== null) pick(rangeText(dragFrom, to))
    drag(null)
  }
  const press = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault()
      pick(rangeText(current, current))
      return
    }
    const to = stepped(current, event.key, tasks.length, layout)
    if (to === null) return
    event.preventDefault()
    setAt(to)
  }
  return (
    <div class="heat">
      <div
        ref={host}
        class="map"
        role="slider"
        tabIndex={0}
        aria-label="Map of the tasks; Enter shows only this one"
        aria-valuemin={0}
        aria-valuemax={tasks.length - 1}
        aria-valuenow={current}
        aria-valuetext={tasks[current] && `task ${current}, ${pageState(tasks[current])}`}
        onKeyDown={press}
        onFocus={() => setFocused(true)}
        onBlur={() => setFocused(false)}
      >
        {width > 0 && (
          <svg
            width={width}
            height={layout.height}
            aria-hidden="true"
            onPointerMove={(event) => point(under(event))}
            onPointerLeave={() => {
              point(null)
              drag(null)
            }}
            onPointerDown={(event) => drag(under(event))}
            onPointerUp={(event) => done(under(event))}
          >
            <Cells tasks={tasks} layout={layout} isShown={isShown} />
            {dragFrom !== null && pointed !== null && <Drawn from={dragFrom} to={pointed} layout={layout} />}
            {looked !== null && <Outline index={looked} layout={layout} />}
          </svg>
        )}
      </div>
      <p class="told">
        {looked === null || !tasks[looked] ? <span class="soft">{hintOf(tasks)}</span> : <Told row={tasks[looked]} />}
      </p>
    </div>
  )
}

/** What brightness means. */
export const HeatScale = () => (
  <ul class="scale" aria-label="Brightness by records that wait">
    {LAG_STEP_WORDS.map((word, step) => (
      <li key={word}>
        <svg viewBox="0 0 10 10" aria-hidden="true">
          <path class="cell running" data-step={step} d="M0 0h10v10h-10z" />
        </svg>
        {step === 0 ? 'lag 0' : word}
      </li>
    ))}
  </ul>
)

const hintOf = (tasks: readonly TaskRow[]): string =>
  tasks.length === 1
    ? 'One task.'
    : `${compact(tasks.length)} tasks. Click one, or draw over some, to see only them below.`

const Told = ({ row }: { row: TaskRow }) => (
  <>
    <strong class="number">task {row.task}</strong> {pageState(row)}, lag{' '}
    <span class="number">
      {row.exact ? '' : '≤ '}
      {compact(row.lag)}
    </span>
    {row.instance !== null && (
      <>
        , on <Foreign text={row.instance} />
      </>
    )}
  </>
)

interface CellsProps {
  readonly tasks: readonly TaskRow[]
  readonly layout: HeatLayout
  readonly isShown: Props['isShown']
}

function Cells({ tasks, layout, isShown }: CellsProps) {
  const fills = useMemo(() => heatFills(tasks, layout), [tasks, layout])
  const marks = useMemo(() => heatMarks(tasks, layout), [tasks, layout])
  const side = layout.pitch - layout.gap
  const veil = useMemo(() => {
    if (!isShown) return ''
    return tasks
      .map(({ task }, index) => {
        if (isShown(task)) return ''
        const { x, y } = cellAt(index, layout)
        return `M${x} ${y}h${side}v${side}h${-side}z`
      })
      .join('')
  }, [tasks, layout, isShown, side])
  return (
    <>
      {fills.map(({ state, step, path }) => (
        <path key={`${state} ${step}`} class={`cell ${state}`} data-step={step} d={path} />
      ))}
      <path class="marks" d={marks} />
      {layout.pitch >= 28 &&
        tasks.map((task, index) => {
          const { x, y } = cellAt(index, layout)
          return pageState(task) === 'running' ? (
            <text key={task.task} x={x + side / 2} y={y + side / 2 + 4}>
              {task.task}
            </text>
          ) : null
        })}
      {veil !== '' && <path class="veil" d={veil} />}
    </>
  )
}

function Outline({ index, layout }: { index: number; layout: HeatLayout }) {
  const { x, y } = cellAt(index, layout)
  const side = layout.pitch - layout.gap
  return <rect class="outline" x={x} y={y} width={side} height={side} />
}

function Drawn({ from, to, layout }: { from: number; to: number; layout: HeatLayout }) {
  const side = layout.pitch - layout.gap
  const cells: string[] = []
  for (let index = Math.min(from, to); index <= Math.max(from, to); index++) {
    const { x, y } = cellAt(index, layout)
    cells.push(`M${x} ${y}h${side}v${side}h${-side}z`)
  }
  return <path class="drawn" d={cells.join('')} />
}

function useWidth() {
  const host = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  useEffect(() => {
    const element = host.current
    if (!element) return
    const measure = (): void => setWidth(Math.floor(element.clientWidth))
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  return [host, width] as const
}
