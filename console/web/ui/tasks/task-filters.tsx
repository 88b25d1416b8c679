/** What narrows the table: states with their counts, instances, a text. Every choice is in the address. */
import type { TaskRow } from '../../../contract.ts'
import { count } from '../../format.ts'
import { go } from '../../router.ts'
import { stateCounts } from '../task-states.ts'
import { isFiltered, type TaskFilter } from './task-filter.ts'

interface Props {
  readonly tasks: readonly TaskRow[]
  readonly filter: TaskFilter
  readonly linkOf: (filter: TaskFilter) => string
}

export function TaskFilters({ tasks, filter, linkOf }: Props) {
  const instances = [...new Set(tasks.flatMap(({ instance }) => (instance === null ? [] : [instance])))].sort()
  if (filter.instance !== null && !instances.includes(filter.instance)) instances.push(filter.instance)
  const set = (change: Partial<TaskFilter>, replace = false): void => go(linkOf({ ...filter, ...change }), replace)
  return (
    <div class="task-filters">
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be laid out as a row of buttons everywhere */}
      <div class="chips" role="group" aria-label="State">
        {[...stateCounts(tasks)].map(([state, many]) => (
          <button
            key={state}
            type="button"
            class={`chip cell-of ${state}`}
            aria-pressed={filter.state === state}
            onClick={() => set({ state: filter.state === state ? null : state })}
          >
            {state} <span class="number">{count(many)}</span>
          </button>
        ))}
        {filter.tasks !== null && (
          <button
            type="button"
            class="chip"
            aria-pressed={true}
            aria-label={`Only tasks ${filter.tasks}: take this away`}
            onClick={() => set({ tasks: null })}
          >
            tasks <span class="number cut">{filter.tasks}</span> <span aria-hidden="true">✕</span>
          </button>
        )}
      </div>
      <div class="fields">
        <label>
          <span class="visually-hidden">Instance</span>
          <select
            value={filter.instance ?? ''}
            onChange={(event) => set({ instance: event.currentTarget.value === '' ? null : event.currentTarget.value })}
          >
            <option value="">every instance</option>
            {instances.map((instance) => (
              <option key={instance} value={instance}>
                {instance}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span class="visually-hidden">Search tasks</span>
          <input
            type="search"
            data-search
            value={filter.text}
            placeholder="3, 10-20, reason, topic…"
            maxLength={200}
            onInput={(event) => set({ text: event.currentTarget.value }, true)}
          />
        </label>
        <button
          type="button"
          class="quiet"
          disabled={!isFiltered(filter)}
          onClick={() => set({ state: null, instance: null, tasks: null, text: '' })}
        >
          Show all
        </button>
      </div>
    </div>
  )
}
