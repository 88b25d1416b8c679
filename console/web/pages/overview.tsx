/** Everything that tells whether all is well, and where to look when it is not: what is wrong first. */
import type { PageProps } from '../app.tsx'
import { useLive } from '../live.ts'
import { Charts } from '../ui/overview/charts.tsx'
import { Drawing } from '../ui/overview/drawing.tsx'
import { Instances } from '../ui/overview/instance-table.tsx'
import { Notices } from '../ui/overview/notices.tsx'
import { Tiles } from '../ui/overview/tiles.tsx'
import { OwnTrouble, TroubleStrip } from '../ui/overview/trouble-strip.tsx'
import { useHistory } from '../ui/overview/use-history.ts'
import { Failure, Loading } from '../ui/parts.tsx'
import { Stale } from '../ui/stale.tsx'
import { useEta } from '../ui/tasks/use-eta.ts'

export function OverviewPage(_: PageProps) {
  const { overview, topology, session } = useLive()
  const columns = useHistory(overview.data)
  const eta = useEta(overview.data)
  // The frame says that the token is needed.
  const stale = overview.error?.status === 401 ? null : <Stale loaded={overview} />
  return (
    <div class={`stack overview ${overview.error ? 'cut-off' : ''}`}>
      {stale}
      {overview.data === null ? (
        <>
          {session.data?.ready === false && <OwnTrouble self={session.data} />}
          {overview.error === null && <Loading what="the overview" />}
        </>
      ) : (
        <>
          <TroubleStrip overview={overview.data} eta={eta} isNow={overview.error === null} />
          <Tiles overview={overview.data} />
        </>
      )}
      <div class="sight">
        {topology.data ? (
          <Drawing topology={topology.data} overview={overview.data} />
        ) : (
          <div>
            {topology.error && topology.error.status !== 401 && (
              <Failure error={topology.error} again={topology.again} />
            )}
            {topology.loading && <Loading what="the topology" />}
          </div>
        )}
        <Charts columns={columns} />
      </div>
      {overview.data !== null && (
        <div class="below">
          <Instances instances={overview.data.instances} />
          <Notices notices={overview.data.notices} />
        </div>
      )}
    </div>
  )
}
