/** Which tasks the table shows, and in which order: as the address says. Pure. */
import type { TaskRow } from '../../../contract.ts'
import { parseTasks } from '../task-list.ts'
import { PAGE_STATES, type PageState, pageState } from '../task-states.ts'

export const SORTS = ['task', 'state', 'instance', 'lag', 'rate', 'batch', 'age', 'unapplied'] as const
export type Sort = (typeof SORTS)[number]

export interface TaskFilter {
  readonly state: PageState | null
  readonly instance: string | null
  /** Numbers as parseTasks reads them. */
  readonly tasks: string | null
  /** Looked for in what a row says. */
  readonly text: string
  readonly sort: Sort
  readonly down: boolean
}

export function filterOf(query: URLSearchParams): TaskFilter {
  const state = query.get('state') as PageState | null
  const sort = query.get('sort') as Sort | null
  const tasks = query.get('tasks')
  return {
    state: state !== null && PAGE_STATES.includes(state) ? state : null,
    instance: query.get('instance'),
    tasks: tasks !== null && parseTasks(tasks) !== null ? tasks : null,
    text: query.get('q') ?? '',
    sort: sort !== null && SORTS.includes(sort) ? sort : 'task',
    down: query.get('order') === 'down',
  }
}

/** For linkTo; what is as it mostly is, is left out. */
export const queryOf = ({ state, instance, tasks, text, sort, down }: TaskFilter): Record<string, string | null> => ({
  state,
  instance,
  tasks,
  q: text === '' ? null : text,
  sort: sort === 'task' ? null : sort,
  order: down ? 'down' : null,
})

/** Sorting aside: whether any task may be left out. */
export const isFiltered = ({ state, instance, tasks, text }: TaskFilter): boolean =>
  state !== null || instance !== null || tasks !== null || text.trim() !== ''

export function filtered(rows: readonly TaskRow[], filter: TaskFilter): readonly TaskRow[] {
  const among = filter.tasks === null ? null : parseTasks(filter.tasks)
  const text = filter.text.trim().toLowerCase()
  // Digits alone are a task's number, not a part of some offset.
  const number = parseTasks(text)
  return rows.filter(
    (row) =>
      (filter.state === null || pageState(row) === filter.state) &&
      (filter.instance === null || row.instance === filter.instance) &&
      (among === null || among(row.task)) &&
      (text === '' || (number === null ? wordsOf(row).includes(text) : number(row.task))),
  )
}

const wordsOf = (row: TaskRow): string =>
  [pageState(row), row.instance, row.reason, row.paused?.by, ...row.partitions.map(({ topic }) => topic)]
    .join('\n')
    .toLowerCase()

/** Ties in order of the tasks. What is not known comes last, whichever the order. */
export function sorted(rows: readonly TaskRow[], { sort, down }: TaskFilter): readonly TaskRow[] {
  const key = KEYS[sort]
  return rows.toSorted((a, b) => {
    const [x, y] = [key(a), key(b)]
    if (x === null || y === null) return x === y ? a.task - b.task : x === null ? 1 : -1
    const order = x < y ? -1 : x > y ? 1 : 0
    return order === 0 ? a.task - b.task : down ? -order : order
  })
}

const KEYS: Readonly<Record<Sort, (row: TaskRow) => number | string | null>> = {
  task: ({ task }) => task,
  // Worst first.
  state: (row) => PAGE_STATES.indexOf(pageState(row)),
  instance: ({ instance }) => instance,
  lag: ({ lag }) => lag,
  rate: ({ recordsPerSecond }) => recordsPerSecond,
  batch: ({ batch }) => batch,
  age: ({ ageMs }) => ageMs,
  unapplied: ({ unapplied }) => unapplied,
}

/** What a click on a column's head leads to: numbers begin with the largest. */
export function sortedBy(filter: TaskFilter, sort: Sort): TaskFilter {
  if (filter.sort === sort) return { ...filter, down: !filter.down }
  return { ...filter, sort, down: !['task', 'state', 'instance'].includes(sort) }
}
