/** The numbers one asks for first. */
import type { Overview, Quantiles } from '../../../contract.ts'
import { compact, count, duration, rate } from '../../format.ts'
import { linkTo } from '../../router.ts'
import { LIVING_MS } from '../instances.ts'
import { Tile } from '../parts.tsx'
import { stateCounts } from '../task-states.ts'

export function Tiles({ overview }: { overview: Overview }) {
  const { flow, tasks, instances, lag, rates } = overview
  const exact = tasks.every((task) => task.exact)
  const dead = Object.entries(rates).reduce((sum, [name, value]) => (name.startsWith('dead:') ? sum + value : sum), 0)
  const living = instances.filter(({ heardAgoMs }) => heardAgoMs <= LIVING_MS)
  const counts = stateCounts(tasks)
  const running = counts.get('running') ?? 0
  const stopped = counts.get('stopped') ?? 0
  const others = [...counts].filter(([state, many]) => state !== 'running' && many > 0)
  return (
    <dl class="tiles overview-tiles">
      <Tile
        label="Records"
        value={rate(flow.recordsPerSecond)}
        note={`${rate(flow.transactionsPerSecond)} transactions`}
      />
      <Tile
        label="Lag"
        value={`${exact ? '' : '≤ '}${compact(lag)}`}
        note={lag === 0 ? 'nothing waits' : waitText(lag, flow.recordsPerSecond)}
      />
      <QuantileTile label="End to end, p99" quantiles={flow.endToEnd} />
      <QuantileTile label="Transaction, p99" quantiles={flow.transaction} />
      <Tile
        label="Tasks running"
        tone={stopped > 0 ? 'bad' : running < tasks.length ? 'warn' : 'good'}
        value={
          <a href={linkTo(['tasks'])}>
            {count(running)} <span class="of">of {count(tasks.length)}</span>
          </a>
        }
        note={others.length === 0 ? 'all' : others.map(([state, many]) => `${many} ${state}`).join(', ')}
      />
      <Tile
        label="Instances"
        tone={living.length < instances.length || living.length === 0 ? 'bad' : 'good'}
        value={
          <>
            {living.length}
            {living.length < instances.length && <span class="of"> of {instances.length}</span>}
          </>
        }
        note={`${living.filter(({ ready }) => ready).length} ready`}
      />
      <Tile
        label="Dead letters"
        tone={dead > 0 ? 'bad' : 'good'}
        value={<a href={linkTo(['dead-letters'])}>{rate(dead)}</a>}
        note={dead > 0 ? 'being written now' : 'none now'}
      />
    </dl>
  )
}

const QuantileTile = ({ label, quantiles }: { label: string; quantiles: Quantiles | null }) => (
  <Tile
    label={label}
    value={duration(quantiles?.p99Ms)}
    note={quantiles === null ? 'nothing happened' : `p50 ${duration(quantiles.p50Ms)}`}
  />
)

const waitText = (lag: number, perSecond: number | null): string =>
  perSecond === null || perSecond < 0.05 ? 'nothing is read' : `${duration((1_000 * lag) / perSecond)} at this rate`
