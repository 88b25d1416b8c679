/** What is wrong, before anything else; one calm line when nothing is. */
import type { ComponentChildren } from 'preact'
import type { InstanceRow, Overview, SessionView } from '../../../contract.ts'
import { dateTime, duration } from '../../format.ts'
import { linkTo } from '../../router.ts'
import { Badge, Foreign, type Tone } from '../parts.tsx'
import { Remedy } from '../remedy.tsx'
import { listText, tasksText } from '../task-list.ts'
import { RestoreBar } from '../tasks/restore-bar.tsx'
import type { RestoreEta } from '../tasks/restore-eta.ts'
import { type Trouble, troublesOf } from './troubles.ts'

export function TroubleStrip({ overview, eta, isNow }: { overview: Overview; eta: RestoreEta; isNow: boolean }) {
  const troubles = troublesOf(overview)
  // What was well then may not be so now.
  if (troubles.length === 0) return isNow ? <Calm overview={overview} /> : null
  return (
    <section class="troubles" aria-label="What needs attention">
      <ul>
        {troubles.map((trouble) => (
          <TroubleLine key={keyOf(trouble)} trouble={trouble} eta={eta} tasks={overview.tasks} />
        ))}
      </ul>
    </section>
  )
}

/** When no overview can be had, the process that answers knows at least why it is not ready. */
export const OwnTrouble = ({ self: { instance, reasons } }: { self: Pick<SessionView, 'instance' | 'reasons'> }) => (
  <section class="troubles" aria-label="What needs attention">
    <ul>
      <NotReady instance={{ name: instance, reasons }} />
    </ul>
  </section>
)

const NotReady = ({ instance: { name, reasons } }: { instance: Pick<InstanceRow, 'name' | 'reasons'> }) => (
  <Line tone="warn" word="not ready" title={<InstanceLink name={name} />}>
    <Foreign text={reasons.join('; ')} class="clamped" />
  </Line>
)

function Calm({ overview: { tasks, instances, group } }: { overview: Overview }) {
  const settling = tasks.some(({ state }) => state !== 'running')
  const count = `${tasks.length} ${tasks.length === 1 ? 'task runs' : 'tasks run'}`
  return (
    <p class="calm">
      <Badge tone={settling ? 'busy' : 'good'}>{settling ? 'settling' : 'all well'}</Badge>
      <span>
        {settling ? 'Tasks are being taken over' : count} on {instances.length}{' '}
        {instances.length === 1 ? 'instance' : 'instances'}; group <Foreign text={group.id} /> is{' '}
        {group.state.toLowerCase().replaceAll('_', ' ')}.
      </span>
    </p>
  )
}

interface LineProps {
  readonly trouble: Trouble
  readonly eta: RestoreEta
  readonly tasks: Overview['tasks']
}

function TroubleLine({ trouble, eta, tasks }: LineProps) {
  switch (trouble.kind) {
    case 'stopped':
      return (
        <Line tone="bad" word="stopped" title={<TasksLink tasks={trouble.tasks} />}>
          <code class="code">{trouble.code}</code> <Foreign text={trouble.reason} class="clamped" />
          {trouble.remedy !== null && (
            <p class="mend">
              <strong>Remedy</strong> <Remedy text={trouble.remedy} />
            </p>
          )}
        </Line>
      )
    case 'unheard':
      return (
        <Line tone="bad" word="not heard" title={<InstanceLink name={trouble.instance.name} />}>
          Last heard of {duration(trouble.instance.heardAgoMs)} ago, with {trouble.instance.tasks.length} tasks. When it
          is gone, the others take them over.
        </Line>
      )
    case 'untold':
      return (
        <Line tone="warn" word="untold" title={<TasksLink tasks={trouble.tasks} />}>
          No living instance tells of {trouble.tasks.length === 1 ? 'it' : 'them'}: about to be taken over, or there is
          no instance that could.
        </Line>
      )
    case 'waiting':
      return (
        <Line tone="warn" word="waiting" title={<TasksLink tasks={trouble.tasks} />}>
          <Foreign text={trouble.reason || 'about to try again'} class="clamped" />
        </Line>
      )
    case 'not-ready':
      return <NotReady instance={trouble.instance} />
    case 'paused':
      return (
        <Line tone="held" word="paused" title={<TasksLink tasks={trouble.tasks} />}>
          By <Foreign text={trouble.by} /> since {dateTime(trouble.since)}. Records wait until{' '}
          {trouble.tasks.length === 1 ? 'it is' : 'they are'} resumed.
        </Line>
      )
    case 'restoring':
      return (
        <Line tone="busy" word="restoring" title={<TasksLink tasks={trouble.tasks} />}>
          <RestoreBar
            done={trouble.done}
            total={trouble.total}
            etaMs={eta.ofAll(tasks)}
            label={`Restore of ${tasksText(trouble.tasks)}`}
          />
        </Line>
      )
  }
}

const Line = (props: { tone: Tone; word: string; title: ComponentChildren; children: ComponentChildren }) => (
  <li class={`trouble ${props.tone}`}>
    <Badge tone={props.tone}>{props.word}</Badge>
    <span class="who">{props.title}</span>
    <div class="what">{props.children}</div>
  </li>
)

/** One: to itself; some: to the table with only them. */
const TasksLink = ({ tasks }: { tasks: readonly number[] }) => (
  <a href={tasks.length === 1 ? linkTo(['tasks', tasks[0]!]) : linkTo(['tasks'], { tasks: listText(tasks) })}>
    {tasksText(tasks)}
  </a>
)

const InstanceLink = ({ name }: { name: string }) => (
  <a href={linkTo(['tasks'], { instance: name })}>
    <Foreign text={name} />
  </a>
)

function keyOf(trouble: Trouble): string {
  switch (trouble.kind) {
    case 'stopped':
      return `stopped ${trouble.code}`
    case 'unheard':
    case 'not-ready':
      return `${trouble.kind} ${trouble.instance.name}`
    case 'waiting':
      return `waiting ${trouble.reason}`
    case 'paused':
      return `paused ${trouble.by}`
    default:
      return trouble.kind
  }
}
