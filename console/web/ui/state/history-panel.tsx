/** What happened, newest first: each change with what it changed, where it is written and what caused it. */
import { useState } from 'preact/hooks'
import type { HistoryView } from '../../../contract.ts'
import { count, counted } from '../../format.ts'
import { linkToNote, linkToTask } from '../../links.ts'
import { useLoad } from '../../load.ts'
import { traceIdOf } from '../../places.ts'
import { CopyButton } from '../copy-button.tsx'
import { Badge, Empty, Foreign, Loading, Panel, Time, type Tone } from '../parts.tsx'
import { Stale } from '../stale.tsx'
import { changedSpan, type FieldChange, type Step, stepsOf } from './history.ts'

const LIMIT = 50
const LIMIT_MAX = 200

const LOOKS: Readonly<Record<Step['kind'], readonly [Tone, string]>> = {
  created: ['good', 'created'],
  changed: ['busy', 'changed'],
  removed: ['bad', 'removed'],
  unchanged: ['faint', 'written as it was'],
  earlier: ['faint', 'as it was then'],
}

/** `named`: each change says whose it is. */
export function HistoryPanel(props: { path: string; tenant: string | null; what: string; named: boolean }) {
  const [limit, setLimit] = useState(LIMIT)
  const history = useLoad<HistoryView>(props.path, { tenant: props.tenant, limit })
  const { data } = history
  const mayBeMore = data !== null && !data.complete && limit < LIMIT_MAX
  return (
    <Panel
      title={`History of ${props.what}`}
      actions={
        <>
          {data && <span class="soft number">{counted(data.changes.length, 'change')}</span>}
          <button type="button" onClick={history.again} disabled={history.loading}>
            Look again
          </button>
        </>
      }
    >
      {history.error && (
        <div class="body">
          <Stale loaded={history} />
        </div>
      )}
      {data === null ? (
        history.loading ? (
          <Loading what="the changelog" />
        ) : (
          history.error === null && <Empty>Nothing could be read.</Empty>
        )
      ) : data.changes.length === 0 ? (
        <Empty>The changelog has nothing of it{data.complete ? '' : ' within what was looked at'}.</Empty>
      ) : (
        <ol class="timeline">
          {stepsOf(data.changes, data.complete).map((step) => (
            <StepRow
              key={`${step.change.changelog.partition}@${step.change.changelog.offset}`}
              step={step}
              named={props.named}
            />
          ))}
        </ol>
      )}
      {data !== null && data.changes.length > 0 && (
        <p class="foot soft">
          {data.complete ? 'This is all that the changelog has. ' : 'There may be older changes. '}A batch writes a note
          once, with its last value, and compaction removes what was overwritten.{' '}
          {mayBeMore && (
            <button type="button" onClick={() => setLimit(LIMIT_MAX)} disabled={history.loading}>
              Look for up to {LIMIT_MAX}
            </button>
          )}
        </p>
      )}
    </Panel>
  )
}

function StepRow({ step, named }: { step: Step; named: boolean }) {
  const { change } = step
  const { changelog, cause, command } = change
  const [tone, word] = LOOKS[step.kind]
  const trace = traceIdOf(command?.traceparent ?? null)
  const causeText = cause && `${cause.topic}-${cause.partition}@${cause.offset}`
  return (
    <li class={`step ${step.kind}`}>
      <div class="head">
        <Badge tone={tone}>{word}</Badge>
        {named && (
          <a href={linkToNote(change.noteId, change.tenantId)} class="number">
            note {change.noteId}
          </a>
        )}
        {named && (
          <span class="mono soft" title={change.tenantId}>
            {change.tenantId.slice(0, 8)}…
          </span>
        )}
        <span class="number when">{change.at === null ? 'time unknown' : <Time at={change.at} />}</span>
      </div>
      {step.kind !== 'removed' && step.fields.length > 0 && (
        <dl class="field-changes">
          {step.fields.map((field) => (
            <Change key={field.field} change={field} first={step.kind === 'created' || step.kind === 'earlier'} />
          ))}
        </dl>
      )}
      <dl class="where">
        <div>
          <dt>Command</dt>
          <dd class="mono">
            {command?.type ? <Foreign text={command.type} /> : <span class="soft">no longer in its topic</span>}
          </dd>
        </div>
        {causeText && (
          <div>
            <dt>from</dt>
            <dd class="mono">
              <a href={linkToTask(cause.partition)}>{causeText}</a>{' '}
              <CopyButton text={causeText} what="the command's place" />
            </dd>
          </div>
        )}
        {command?.transactionId && (
          <div>
            <dt>transaction id</dt>
            <dd class="mono">
              <Foreign text={command.transactionId} />{' '}
              <CopyButton text={command.transactionId} what="the transaction id" />
            </dd>
          </div>
        )}
        {trace !== null && (
          <div>
            <dt>trace</dt>
            <dd class="mono">
              {trace} <CopyButton text={trace} what="the trace id" />
            </dd>
          </div>
        )}
        <div>
          <dt>changelog</dt>
          <dd class="mono">
            {changelog.topic}-{changelog.partition}@{changelog.offset}
          </dd>
        </div>
        {change.batch !== null && (
          <div>
            <dt>batch</dt>
            <dd class="mono">{count(change.batch)}</dd>
          </div>
        )}
      </dl>
    </li>
  )
}

function Change({ change: { field, before, after }, first }: { change: FieldChange; first: boolean }) {
  const show = (text: string) =>
    field === 'time' ? <Time at={/^\d+$/.test(text) ? Number(text) : text} /> : <Foreign text={text} />
  if (first || before === null || after === null)
    return (
      <div>
        <dt>{field}</dt>
        <dd>{show(after ?? before ?? '')}</dd>
      </div>
    )
  // Parts of a number or a date say nothing.
  if (field !== 'message')
    return (
      <div>
        <dt>{field}</dt>
        <dd class="number">
          <del>{show(before)}</del> → <ins>{show(after)}</ins>
        </dd>
      </div>
    )
  const span = changedSpan(before, after)
  return (
    <div>
      <dt>{field}</dt>
      <dd>
        <Foreign text={span.head} />
        {span.before !== '' && (
          <del>
            <Foreign text={span.before} />
          </del>
        )}
        {span.after !== '' && (
          <ins>
            <Foreign text={span.after} />
          </ins>
        )}
        <Foreign text={span.tail} />
      </dd>
    </div>
  )
}
