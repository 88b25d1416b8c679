/** How it went during the last quarter of an hour. */
import { compact, duration, rate } from '../../format.ts'
import { Panel } from '../parts.tsx'
import { Chart, type Line } from './chart.tsx'
import type { Columns } from './history.ts'

const THROUGHPUT: readonly Line[] = [{ column: 'recordsPerSecond', label: '', colour: '--accent' }]
const LAG: readonly Line[] = [{ column: 'lag', label: '', colour: '--warn' }]
const END_TO_END: readonly Line[] = [
  { column: 'endToEndP50Ms', label: 'p50', colour: '--busy' },
  { column: 'endToEndP99Ms', label: 'p99', colour: '--held' },
]
const TRANSACTION: readonly Line[] = [
  { column: 'transactionP50Ms', label: 'p50', colour: '--busy' },
  { column: 'transactionP99Ms', label: 'p99', colour: '--held' },
]

const lagText = (value: number | null): string => (value === null ? '–' : compact(value))

export const Charts = ({ columns }: { columns: Columns }) => (
  <Panel title="Last 15 minutes" class="charts">
    <Chart title="Records" lines={THROUGHPUT} columns={columns} text={rate} tick={(value) => `${compact(value)}/s`} />
    <Chart title="Lag, records" lines={LAG} columns={columns} text={lagText} tick={compact} />
    <Chart title="End to end" lines={END_TO_END} columns={columns} text={duration} tick={msTick} />
    <Chart title="Transaction" lines={TRANSACTION} columns={columns} text={duration} tick={msTick} />
  </Panel>
)

const msTick = (ms: number): string => (ms === 0 ? '0' : ms >= 1_000 ? `${ms / 1_000} s` : `${ms} ms`)
