/**
 * One chart over the last quarter of an hour. Painted by uPlot, so colours are read from the style sheet, again when the
 * theme changes; drawn for the eyes, and told in a sentence for those who do not see it.
 */
import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import { clock } from '../../format.ts'
import { type Column, type Columns, extentOf, SPAN_MS, ticksOf } from './history.ts'

export interface Line {
  readonly column: Column
  readonly label: string
  /** Name of a colour of tokens.css. */
  readonly colour: string
}

interface Props {
  readonly title: string
  readonly lines: readonly Line[]
  readonly columns: Columns
  /** With its unit. */
  readonly text: (value: number | null) => string
  /** Of the axis: short. */
  readonly tick: (value: number) => string
}

const HEIGHT = 112
const AXIS_WIDTH = 52
/** All charts of the page show the same moment. */
const SYNC = 'overview'

export function Chart({ title, lines, columns, text, tick }: Props) {
  const host = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const [cursorAt, setCursorAt] = useState<number | null>(null)
  const [painted, paintAgain] = useState(0)
  const latest = useRef(columns)
  latest.current = columns

  useEffect(() => {
    const changed = (): void => paintAgain((n) => n + 1)
    const system = matchMedia('(prefers-color-scheme: dark)')
    window.addEventListener('themechange', changed)
    system.addEventListener('change', changed)
    return () => {
      window.removeEventListener('themechange', changed)
      system.removeEventListener('change', changed)
    }
  }, [])

  // Lines and texts are constants of the page; `painted` asks for new colours.
  useEffect(() => {
    const element = host.current
    if (!element) return
    const options = optionsOf(lines, tick, element.clientWidth, (at) => setCursorAt(at))
    const made = new uPlot(options, dataOf(latest.current, lines), element)
    plot.current = made
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      made.destroy()
      plot.current = null
    }
  }, [painted])

  useEffect(() => {
    plot.current?.setData(dataOf(columns, lines))
  }, [columns, lines])

  const shownAt = cursorAt === null || cursorAt >= columns.at.length ? columns.at.length - 1 : cursorAt
  return (
    <figure class="chart">
      <figcaption>
        <span class="title">{title}</span>
        <span class="values" aria-hidden="true">
          {cursorAt !== null && columns.at[shownAt] !== undefined && (
            <span class="soft number">{clock(columns.at[shownAt]! * 1_000)}</span>
          )}
          {lines.map(({ column, label, colour }) => (
            <span key={column} class="value">
              <span class="stroke" style={{ background: `var(${colour})` }} />
              {label}
              <span class="number">{text(columns.values[column][shownAt] ?? null)}</span>
            </span>
          ))}
        </span>
        <span class="visually-hidden">{sentenceOf(lines, columns, text)}</span>
      </figcaption>
      <div ref={host} class="plot" aria-hidden="true" />
      {columns.at.length === 0 && <p class="nothing">Nothing is known yet.</p>}
    </figure>
  )
}

function sentenceOf(lines: readonly Line[], { values }: Columns, text: Props['text']): string {
  return lines
    .map(({ column, label }) => {
      const extent = extentOf(values[column])
      return extent === null
        ? `${label}: nothing is known.`
        : `${label}: ${text(extent.last)} now, ${text(extent.min)} to ${text(extent.max)} in the last 15 minutes.`
    })
    .join(' ')
}

const dataOf = ({ at, values }: Columns, lines: readonly Line[]): uPlot.AlignedData =>
  [at, ...lines.map(({ column }) => values[column])] as unknown as uPlot.AlignedData

function optionsOf(
  lines: readonly Line[],
  tick: (value: number) => string,
  width: number,
  pointed: (at: number | null) => void,
): uPlot.Options {
  const style = getComputedStyle(document.documentElement)
  const colour = (name: string): string => resolved(style.getPropertyValue(name))
  const axis: uPlot.Axis = {
    stroke: colour('--text-soft'),
    font: `11px ${style.getPropertyValue('--sans')}`,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  }
  return {
    width,
    height: HEIGHT,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: {
      sync: { key: SYNC },
      y: false,
      drag: { x: false, y: false },
      points: { size: 6 },
    },
    scales: {
      x: { time: true, range: (_plot, _min, max) => [max - SPAN_MS / 1_000, max] },
      y: { range: (_plot, _min, max) => [0, niceTop(max)] },
    },
    axes: [
      { ...axis, size: 24, space: 80, values: (_plot, at) => at.map((s) => clock(s * 1_000).slice(0, 5)) },
      { ...axis, size: AXIS_WIDTH, space: 28, values: (_plot, at) => [...ticksOf(at, tick)] },
    ],
    series: [
      {},
      ...lines.map(
        ({ label, colour: name }, at): uPlot.Series => ({
          label,
          stroke: colour(name),
          width: 1.5,
          points: { show: false },
          ...(lines.length === 1 || at > 0 ? {} : { dash: [4, 3] }),
        }),
      ),
    ],
    hooks: { setCursor: [({ cursor }) => pointed(cursor.idx ?? null)] },
  }
}

/** A canvas takes no light-dark(): the browser is asked which of the two it is. */
function resolved(value: string): string {
  const probe = document.createElement('span')
  probe.style.color = value
  document.body.append(probe)
  const colour = getComputedStyle(probe).color
  probe.remove()
  return colour
}

/** A scale that does not shake with each point. */
function niceTop(max: number | null): number {
  if (max === null || !(max > 0)) return 1
  const size = 10 ** Math.floor(Math.log10(max))
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => step * size).find((top) => top >= max * 1.05) ?? 20 * size
}
