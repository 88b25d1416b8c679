/** Whether each instance is ready to serve, and why not. */
import type { SessionView } from '../../../contract.ts'
import { bytes, counted, duration, rate } from '../../format.ts'
import { useLive } from '../../live.ts'
import { linkTo } from '../../router.ts'
import { Badge, Empty, Foreign, Loading, Panel, Time } from '../parts.tsx'
import { Stale } from '../stale.tsx'

/** As the service counts who lives. */
const HEARD_WITHIN_MS = 10_000

export function InstancesPanel() {
  const { overview, session } = useLive()
  const { data } = overview
  const ready =
    data?.instances.filter((instance) => instance.ready && instance.heardAgoMs <= HEARD_WITHIN_MS).length ?? 0
  return (
    <Panel
      title="Readiness"
      actions={
        data && (
          <Badge
            tone={ready === data.instances.length && ready > 0 ? 'good' : 'warn'}
          >{`${ready} of ${data.instances.length} ready`}</Badge>
        )
      }
    >
      {overview.error && (
        <div class="body">
          <Stale loaded={overview} />
        </div>
      )}
      {data === null ? (
        session.data?.ready === false ? (
          <OwnReadiness self={session.data} />
        ) : (
          overview.loading && <Loading what="instances" />
        )
      ) : data.instances.length === 0 ? (
        <Empty>No instance tells of itself.</Empty>
      ) : (
        <ul class="instances">
          {data.instances.map((of) => (
            <li key={of.name}>
              <span class="head">
                {of.heardAgoMs > HEARD_WITHIN_MS ? (
                  <Badge tone="bad">not heard of</Badge>
                ) : of.ready ? (
                  <Badge tone="good">ready</Badge>
                ) : (
                  <Badge tone="warn">not ready</Badge>
                )}
                <strong class="name">
                  <Foreign text={of.name} />
                </strong>
                {of.self && <span class="soft">answers you</span>}
              </span>
              <Reasons reasons={of.reasons} />
              <span class="soft number facts-line">
                <a href={linkTo(['tasks'], { instance: of.name })}>{counted(of.tasks.length, 'task')}</a>
                <span>{rate(of.recordsPerSecond)}</span>
                <span>{bytes(of.heapBytes)} heap</span>
                <span>{of.version}</span>
                <span>
                  since <Time at={of.startedAt} />
                </span>
                <span>heard of {duration(of.heardAgoMs)} ago</span>
                {of.url !== null && /^https?:\/\//.test(of.url) && !of.self && (
                  <a href={`${of.url}/#/health`} rel="noreferrer">
                    {of.url}
                  </a>
                )}
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}

const OwnReadiness = ({ self: { instance, reasons } }: { self: SessionView }) => (
  <ul class="instances">
    <li>
      <span class="head">
        <Badge tone="warn">not ready</Badge>
        <strong class="name">
          <Foreign text={instance} />
        </strong>
        <span class="soft">answers you</span>
      </span>
      <Reasons reasons={reasons} />
    </li>
  </ul>
)

const Reasons = ({ reasons }: { reasons: readonly string[] }) =>
  reasons.length === 0 ? null : (
    <ul class="reasons">
      {reasons.map((reason) => (
        <li key={reason}>
          <Foreign text={reason} />
        </li>
      ))}
    </ul>
  )
