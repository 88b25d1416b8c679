/** One note: what it is, where it lies, and how it came to be. An id without a tenant may be that of several. */
import type { NotesView, NoteView } from '../../../contract.ts'
import { count, duration } from '../../format.ts'
import { linkToCharacter, linkToNote, linkToTask } from '../../links.ts'
import { useLive } from '../../live.ts'
import { useLoad } from '../../load.ts'
import { linkTo } from '../../router.ts'
import { Command, CopyButton } from '../copy-button.tsx'
import { Empty, Foreign, Loading, Panel, Time } from '../parts.tsx'
import { Lines } from '../scroll.tsx'
import { Stale } from '../stale.tsx'
import { useAsOf } from './character.tsx'
import { HistoryPanel } from './history-panel.tsx'
import { noteKey, readCommand } from './redis-key.ts'

export function NoteDetail({ id, tenant }: { id: number; tenant: string | null }) {
  const loaded = useLoad<NotesView>(`/notes/${id}`, { tenant })
  const { data } = loaded
  return (
    <>
      <Stale loaded={loaded} />
      {data === null ? (
        <Panel title={`Note ${id}`}>
          {loaded.loading ? <Loading what="the note" /> : <Empty>It could not be read.</Empty>}
        </Panel>
      ) : data.notes.length === 0 ? (
        <Panel title={`Note ${id}`}>
          <Empty>
            {data.task === null
              ? 'The id tells no task: no note of this application has it.'
              : `Task ${data.task} has no note ${id}${tenant === null ? '' : ' of this tenant'}: it was removed, or never was. What its history still knows is below.`}{' '}
            {tenant !== null && <a href={linkToNote(id)}>Look in all tenants</a>}
          </Empty>
        </Panel>
      ) : (
        data.notes.map((note) => <One key={note.tenantId} view={data} note={note} again={loaded.again} />)
      )}
      {/* One after the other: the service does few such reads at once. */}
      {(data === null ? loaded.error !== null : data.task !== null) && (
        <HistoryPanel path={`/notes/${id}/history`} tenant={tenant} what={`note ${id}`} named={tenant === null} />
      )}
    </>
  )
}

function One({ view, note: of, again }: { view: NotesView; note: NoteView; again: () => void }) {
  const { tenantId, characterId, noteId, note } = of
  const json = JSON.stringify(note, null, 2)
  return (
    <div class="note-parts">
      <Panel
        title={`Note ${noteId}`}
        actions={
          <button type="button" onClick={again}>
            Look again
          </button>
        }
      >
        <dl class="fact-list">
          <dt>Message</dt>
          <dd class="message">
            <Foreign text={note.message} />
          </dd>
          <dt>Character</dt>
          <dd class="number">
            <a href={linkToCharacter(characterId, tenantId)}>{characterId}</a>
          </dd>
          <dt>Sender</dt>
          <dd class="number">
            <a href={linkToCharacter(note.senderId, tenantId)}>{note.senderId}</a>
          </dd>
          <dt>Flag</dt>
          <dd class="number">{note.flag}</dd>
          <dt>Time</dt>
          <dd class="number">
            <Time at={note.time} />
          </dd>
          <dt>Tenant</dt>
          <dd class="mono">
            <span class="wrap">{tenantId}</span> <CopyButton text={tenantId} what="the tenant" />
          </dd>
        </dl>
        <details class="raw">
          <summary>As JSON</summary>
          <div class="command">
            <Lines label="The note as JSON">
              <Foreign text={json} />
            </Lines>
            <CopyButton text={json} what="the JSON" />
          </div>
        </details>
      </Panel>
      {view.task !== null && <WhereItLies view={view} task={view.task} note={of} />}
    </div>
  )
}

function WhereItLies({ view, task, note }: { view: NotesView; task: number; note: NoteView }) {
  const { batch, ageMs } = useAsOf(view)
  const application = useLive().topology.data?.application
  return (
    <Panel title="Where it lies">
      <dl class="fact-list">
        <dt>Task</dt>
        <dd class="number">
          <a href={linkToTask(task)}>{task}</a>{' '}
          <a class="soft" href={linkTo(['state', 'tasks', task])}>
            what else it has
          </a>
        </dd>
        <dt>As of batch</dt>
        <dd class="number">{batch === null ? '–' : count(batch)}</dd>
        <dt>Committed</dt>
        <dd class="number">{ageMs === null ? '–' : `${duration(ageMs)} ago`}</dd>
        {application && (
          <>
            <dt>Redis key</dt>
            <dd class="mono wrap">{noteKey(application, task, note.tenantId, note.characterId)}</dd>
            <dt>Field</dt>
            <dd class="number">{note.noteId}</dd>
            <dt>Read it</dt>
            <dd>
              <Command text={readCommand(application, task, note)} />
            </dd>
          </>
        )}
      </dl>
    </Panel>
  )
}
