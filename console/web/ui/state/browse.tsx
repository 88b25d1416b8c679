/** Without an id: what a task has, some entries of each store. */
import { useMemo } from 'preact/hooks'
import type { EntriesView, Entry } from '../../../contract.ts'
import { count } from '../../format.ts'
import { linkToCharacter, linkToNote, linkToTask } from '../../links.ts'
import { useLive } from '../../live.ts'
import { useLoad } from '../../load.ts'
import { go, linkTo } from '../../router.ts'
import { Empty, Foreign, Loading, Panel } from '../parts.tsx'
import { Scroll } from '../scroll.tsx'
import { Stale } from '../stale.tsx'

const LIMIT = 100
const JSON_CHARACTERS_MAX = 300

export function Browse({ task }: { task: number | null }) {
  const { topology } = useLive()
  const shown = task ?? 0
  const loaded = useLoad<EntriesView>(`/tasks/${shown}/entries`, { limit: LIMIT })
  const tasks = topology.data?.tasks ?? null
  const stores = useMemo(() => byStore(loaded.data?.entries ?? []), [loaded.data])
  return (
    <>
      <div class="browse-head">
        <label>
          Task{tasks !== null && `, 0 to ${tasks - 1}`}
          <input
            class="number"
            type="number"
            min={0}
            max={tasks === null ? undefined : tasks - 1}
            value={shown}
            onChange={(event) => {
              const wanted = event.currentTarget.valueAsNumber
              if (Number.isInteger(wanted) && wanted >= 0 && (tasks === null || wanted < tasks))
                go(linkTo(['state', 'tasks', wanted]))
            }}
          />
        </label>
        <a href={linkToTask(shown)}>how task {shown} is</a>
        <p class="soft">
          {loaded.data === null
            ? ''
            : loaded.data.complete
              ? `All of it: ${count(loaded.data.entries.length)} entries.`
              : `The first ${count(loaded.data.entries.length)} entries that Redis gave, in no order.`}
        </p>
        <button type="button" onClick={loaded.again} disabled={loaded.loading}>
          Look again
        </button>
      </div>
      <Stale loaded={loaded} />
      {loaded.data === null ? (
        <Panel title="Entries">
          {loaded.loading ? <Loading what="entries" /> : <Empty>Nothing could be read.</Empty>}
        </Panel>
      ) : stores.length === 0 ? (
        <Panel title="Entries">
          <Empty>Task {shown} has no state. It comes with the first command of one of its characters.</Empty>
        </Panel>
      ) : (
        stores.map(([store, entries]) => (
          <Panel key={store} title={store} actions={<span class="soft number">{count(entries.length)} entries</span>}>
            <Scroll label={`${store}, scrolls sideways`}>
              <table class="entry-table cards">
                <caption class="visually-hidden">Entries of {store}</caption>
                <thead>
                  <tr>
                    <th class="head-key">Key</th>
                    {entries.some(({ field }) => field !== null) && <th class="head-field">Field</th>}
                    <th>Value</th>
                  </tr>
                </thead>
                <tbody>
                  {entries.map((entry) => (
                    <EntryRow
                      key={`${entry.key} ${entry.field}`}
                      entry={entry}
                      fields={entries.some(({ field }) => field !== null)}
                    />
                  ))}
                </tbody>
              </table>
            </Scroll>
          </Panel>
        ))
      )}
    </>
  )
}

function EntryRow({ entry: { store, key, field, json }, fields }: { entry: Entry; fields: boolean }) {
  const owner = store === 'notes' ? /^([0-9a-f-]{36}):(\d{1,10})$/.exec(key) : null
  return (
    <tr>
      <td class="mono key clamp full">
        {owner ? <a href={linkToCharacter(Number(owner[2]), owner[1]!)}>{key}</a> : <Foreign text={key} />}
      </td>
      {fields && (
        <td class="mono" data-label="field">
          {owner && field !== null && /^\d+$/.test(field) ? (
            <a href={linkToNote(Number(field), owner[1]!)}>{field}</a>
          ) : (
            <Foreign text={field ?? ''} />
          )}
        </td>
      )}
      <td class="mono value clamp full">
        <Foreign text={json.length > JSON_CHARACTERS_MAX ? `${json.slice(0, JSON_CHARACTERS_MAX)}…` : json} />
      </td>
    </tr>
  )
}

/** Notes first, then by name. */
function byStore(entries: readonly Entry[]): readonly (readonly [string, readonly Entry[]])[] {
  const stores = Map.groupBy(entries, ({ store }) => store)
  return [...stores].sort(([a], [b]) => Number(b === 'notes') - Number(a === 'notes') || (a < b ? -1 : 1))
}
