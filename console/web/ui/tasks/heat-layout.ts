/** The map of all tasks: one cell each, row after row, as large as the place allows. Pure. */
import type { TaskRow } from '../../../contract.ts'
import { type PageState, pageState } from '../task-states.ts'

export interface HeatLayout {
  readonly columns: number
  readonly rows: number
  /** Side of a cell with the gap behind it, px. */
  readonly pitch: number
  readonly gap: number
  readonly height: number
}

const PITCH_MIN = 9
const PITCH_MAX = 34
/** Higher than this, cells are made smaller, down to their least size. */
const HEIGHT_MAX = 200

export function heatLayout(count: number, width: number): HeatLayout {
  let pitch = PITCH_MAX
  while (pitch > PITCH_MIN && Math.ceil(count / columnsIn(width, pitch)) * pitch > HEIGHT_MAX) pitch--
  const columns = columnsIn(width, pitch)
  const rows = Math.max(1, Math.ceil(count / columns))
  return { columns, rows, pitch, gap: pitch >= 16 ? 3 : pitch >= 12 ? 2 : 1, height: rows * pitch }
}

const columnsIn = (width: number, pitch: number): number => Math.max(1, Math.floor(width / pitch))

export const cellAt = (index: number, { columns, pitch }: HeatLayout): { readonly x: number; readonly y: number } => ({
  x: (index % columns) * pitch,
  y: Math.floor(index / columns) * pitch,
})

/** Index of the cell there; null: there is none. */
export function indexAt(x: number, y: number, count: number, { columns, pitch }: HeatLayout): number | null {
  const [column, row] = [Math.floor(x / pitch), Math.floor(y / pitch)]
  const index = row * columns + column
  return column >= 0 && column < columns && row >= 0 && index < count ? index : null
}

/** 0 (nothing waits) to 4: each step is ten times more. */
export const LAG_STEPS = 5
export const lagStep = (lag: number): number =>
  lag <= 0 ? 0 : Math.min(LAG_STEPS - 1, 1 + Math.floor(Math.log10(lag) / 1.5))

export const LAG_STEP_WORDS: readonly string[] = ['0', '1+', '32+', '1K+', '32K+']

export interface HeatFill {
  readonly state: PageState
  readonly step: number
  /** `d` of all cells that look alike. */
  readonly path: string
}

/** As few paths as there are looks: a thousand tasks are drawn as some thirty elements. */
export function heatFills(tasks: readonly TaskRow[], layout: HeatLayout): readonly HeatFill[] {
  const paths = new Map<string, { state: PageState; step: number; cells: string[] }>()
  const side = layout.pitch - layout.gap
  tasks.forEach((task, index) => {
    const state = pageState(task)
    // Of others the state alone counts.
    const step = state === 'running' ? lagStep(task.lag) : LAG_STEPS - 1
    const name = `${state} ${step}`
    const found = paths.get(name) ?? { state, step, cells: [] }
    paths.set(name, found)
    const { x, y } = cellAt(index, layout)
    found.cells.push(`M${x} ${y}h${side}v${side}h${-side}z`)
  })
  return [...paths.values()].map(({ state, step, cells }) => ({ state, step, path: cells.join('') }))
}

/** `d` of the mark upon a cell that is not running, so that its colour is not needed. */
export function heatMarks(tasks: readonly TaskRow[], layout: HeatLayout): string {
  const side = layout.pitch - layout.gap
  const part = (share: number): number => Math.round(side * share * 10) / 10
  return tasks
    .map((task, index) => {
      const { x, y } = cellAt(index, layout)
      const at = `M${x + part(0.3)} ${y + part(0.3)}`
      switch (pageState(task)) {
        case 'stopped':
          return `${at}l${part(0.4)} ${part(0.4)}m0 ${-part(0.4)}l${-part(0.4)} ${part(0.4)}`
        case 'paused':
          return `M${x + part(0.35)} ${y + part(0.28)}v${part(0.44)}m${part(0.3)} 0v${-part(0.44)}`
        case 'waiting':
          return `M${x + part(0.5)} ${y + part(0.22)}v${part(0.32)}m0 ${part(0.18)}v${part(0.06)}`
        case 'restoring':
        case 'taking-over':
          return `M${x + part(0.5)} ${y + part(0.25)}v${part(0.5)}m${-part(0.2)} ${-part(0.2)}l${part(0.2)} ${part(0.2)}l${part(0.2)} ${-part(0.2)}`
        case 'unknown':
        case 'lost':
          return `M${x + part(0.3)} ${y + part(0.5)}h${part(0.4)}`
        default:
          return ''
      }
    })
    .join('')
}

export type Step = 'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown' | 'Home' | 'End'

/** Where a key leads; null: it is no such key. Stays within. */
export function stepped(index: number, key: string, count: number, { columns }: HeatLayout): number | null {
  const to = {
    ArrowLeft: index - 1,
    ArrowRight: index + 1,
    ArrowUp: index - columns,
    ArrowDown: index + columns,
    Home: 0,
    End: count - 1,
  }[key as Step]
  if (to === undefined) return null
  return to < 0 || to >= count ? index : to
}
