/** The first entries of a task's state, as they lie in Redis. Read once, not with every look at the task. */
import type { EntriesView } from '../../../contract.ts'
import { useLoad } from '../../load.ts'
import { linkTo } from '../../router.ts'
import { Empty, Failure, Foreign, Loading } from '../parts.tsx'
import { linkToEntry } from './entry-link.ts'

const SHOWN = 8
/** Longer ones are cut: there is a page for them. */
const JSON_CHARACTERS_MAX = 180

export function TaskEntries({ task }: { task: number }) {
  const { data, error, loading, again } = useLoad<EntriesView>(`/tasks/${task}/entries`, { limit: SHOWN })
  return (
    <div class="part-of">
      <h3>
        First entries of its state
        <span class="actions">
          <button type="button" class="quiet" onClick={again} disabled={loading}>
            Look again
          </button>
          <a href={linkTo(['state', 'tasks', task])}>Browse</a>
        </span>
      </h3>
      {error && <Failure error={error} again={again} />}
      {data === null && loading && <Loading what="entries" />}
      {data !== null && data.entries.length === 0 && <Empty>This task has no state yet.</Empty>}
      <ul class="entries">
        {data?.entries.map((entry) => {
          const { store, key, field, json } = entry
          const link = linkToEntry(entry)
          const name = [key, field].filter((part) => part !== null && part !== '').join(' · ')
          return (
            <li key={`${store} ${key} ${field}`}>
              <span class="soft">{store}</span>{' '}
              {link === null ? (
                <Foreign text={name} class="mono" />
              ) : (
                <a href={link}>
                  <Foreign text={name} class="mono" />
                </a>
              )}
              <Foreign text={cut(json)} class="mono json" />
            </li>
          )
        })}
      </ul>
    </div>
  )
}

const cut = (json: string): string =>
  json.length > JSON_CHARACTERS_MAX ? `${json.slice(0, JSON_CHARACTERS_MAX)}…` : json
