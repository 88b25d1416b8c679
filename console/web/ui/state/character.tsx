/** A character's notes, a page of them at a time, and what happened to them. */
import type { NotesView } from '../../../contract.ts'
import { count, duration } from '../../format.ts'
import { linkToNote, linkToTask } from '../../links.ts'
import { useLive } from '../../live.ts'
import { useLoad } from '../../load.ts'
import { linkTo } from '../../router.ts'
import { Empty, Foreign, Loading, Panel, Time } from '../parts.tsx'
import { Scroll } from '../scroll.tsx'
import { Stale } from '../stale.tsx'
import { HistoryPanel } from './history-panel.tsx'

const PAGE = 50

export function CharacterView({ id, tenant, from }: { id: number; tenant: string | null; from: number }) {
  const notes = useLoad<NotesView>(`/characters/${id}/notes`, { tenant, from: from || null, limit: PAGE })
  const { data } = notes
  return (
    <>
      <Stale loaded={notes} />
      <Panel
        title={`Notes of character ${id}`}
        actions={
          <>
            {data && <AsOf view={data} />}
            <button type="button" onClick={notes.again} disabled={notes.loading}>
              Look again
            </button>
          </>
        }
      >
        {data ? (
          <NotesTable view={data} id={id} tenant={tenant} from={from} />
        ) : notes.loading ? (
          <Loading what="notes" />
        ) : (
          <Empty>Nothing could be read.</Empty>
        )}
      </Panel>
      {/* One after the other: the service does few such reads at once. */}
      {(data !== null || notes.error !== null) && (
        <HistoryPanel path={`/characters/${id}/history`} tenant={tenant} what={`character ${id}`} named />
      )}
    </>
  )
}

/** As of which batch: as the answer says, else as the task was when it was last looked at. */
export function useAsOf({ task, batch, ageMs }: NotesView): {
  readonly batch: number | null
  readonly ageMs: number | null
} {
  const { overview } = useLive()
  return batch !== null ? { batch, ageMs } : (overview.data?.tasks[task ?? -1] ?? { batch: null, ageMs: null })
}

/** Which task, and of when. */
function AsOf({ view }: { view: NotesView }) {
  const { batch, ageMs } = useAsOf(view)
  if (view.task === null) return <span class="soft">the id tells no task</span>
  return (
    <span class="soft">
      <a href={linkToTask(view.task)}>task {view.task}</a>
      {batch !== null && `, batch ${count(batch)}`}
      {ageMs !== null && `, committed ${duration(ageMs)} ago`}
    </span>
  )
}

function NotesTable({ view, id, tenant, from }: { view: NotesView; id: number; tenant: string | null; from: number }) {
  const { notes, total } = view
  if (notes.length === 0 && from === 0)
    return (
      <Empty>
        {tenant === null ? 'No tenant has' : 'This tenant has'} a note of character {id}.{' '}
        {tenant !== null && <a href={linkTo(['state', 'characters', id])}>Look in all tenants</a>}
      </Empty>
    )
  return (
    <>
      <Scroll label="Notes, scrolls sideways">
        <table class="notes cards">
          <caption class="visually-hidden">Notes of character {id}</caption>
          <thead>
            <tr>
              <th class="right">Note</th>
              {tenant === null && <th>Tenant</th>}
              <th class="right">Sender</th>
              <th>Message</th>
              <th class="right">Flag</th>
              <th>Time</th>
            </tr>
          </thead>
          <tbody>
            {notes.map(({ tenantId, noteId, note }) => (
              <tr key={`${tenantId} ${noteId}`}>
                <td class="right number" data-label="note">
                  <a href={linkToNote(noteId, tenantId)}>{noteId}</a>
                </td>
                {tenant === null && (
                  <td class="mono">
                    <a href={linkTo(['state', 'characters', id], { tenant: tenantId })} title={tenantId}>
                      {tenantId.slice(0, 8)}…
                    </a>
                  </td>
                )}
                <td class="right number" data-label="from">
                  {note.senderId}
                </td>
                <td class="message clamp full">
                  <Foreign text={note.message} />
                </td>
                <td class="right number" data-label="flag">
                  {note.flag}
                </td>
                <td class="number">
                  <Time at={note.time} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <nav class="pager" aria-label="Pages of notes">
        <span class="number">
          {notes.length === 0 ? 'none here' : `${count(from + 1)}–${count(from + notes.length)}`} of {count(total)}
        </span>
        <PageLink label="First" to={from > 0 ? 0 : null} id={id} tenant={tenant} />
        <PageLink label="Previous" to={from > 0 ? Math.max(0, from - PAGE) : null} id={id} tenant={tenant} />
        <PageLink label="Next" to={from + notes.length < total ? from + PAGE : null} id={id} tenant={tenant} />
        <PageLink
          label="Last"
          to={from + notes.length < total ? Math.floor((total - 1) / PAGE) * PAGE : null}
          id={id}
          tenant={tenant}
        />
      </nav>
    </>
  )
}

function PageLink(props: { label: string; to: number | null; id: number; tenant: string | null }) {
  if (props.to === null)
    return (
      <button type="button" disabled>
        {props.label}
      </button>
    )
  return (
    <a
      class="button"
      href={linkTo(['state', 'characters', props.id], { tenant: props.tenant, from: props.to || null })}
    >
      {props.label}
    </a>
  )
}
