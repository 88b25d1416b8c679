/** The processes of the application, as they tell of themselves. */
import type { InstanceRow } from '../../../contract.ts'
import { bytes, count, duration, rate } from '../../format.ts'
import { linkTo } from '../../router.ts'
import { LIVING_MS } from '../instances.ts'
import { Ago, Badge, Empty, Foreign, Panel } from '../parts.tsx'
import { Scroll } from '../scroll.tsx'

export const Instances = ({ instances }: { instances: readonly InstanceRow[] }) => (
  <Panel title="Instances">
    {instances.length === 0 ? (
      <Empty>No instance has told of itself yet. Each does so every 2 s.</Empty>
    ) : (
      <Scroll label="Instances, scrollable">
        <table class="instances">
          <caption class="visually-hidden">Instances of the application</caption>
          <thead>
            <tr>
              <th scope="col">Instance</th>
              <th scope="col">State</th>
              <th scope="col" class="right">
                Tasks
              </th>
              <th scope="col" class="right">
                Records
              </th>
              <th scope="col" class="right">
                Memory
              </th>
              <th scope="col" class="right">
                Heard
              </th>
              <th scope="col">Started</th>
              <th scope="col">Address</th>
            </tr>
          </thead>
          <tbody>
            {instances.map((instance) => (
              <Row key={instance.name} instance={instance} />
            ))}
          </tbody>
        </table>
      </Scroll>
    )}
  </Panel>
)

function Row({ instance }: { instance: InstanceRow }) {
  const { name, self, url, startedAt, heardAgoMs, tasks, recordsPerSecond, heapBytes, version } = instance
  return (
    <tr>
      <th scope="row" title={`version ${version}`}>
        <Foreign text={name} />
        {self && <span class="soft"> · answers you</span>}
      </th>
      <td>
        <InstanceState instance={instance} />
      </td>
      <td class="right number">
        <a href={linkTo(['tasks'], { instance: name })} aria-label={`${tasks.length} tasks of ${name}`}>
          {count(tasks.length)}
        </a>
      </td>
      <td class="right number">{rate(recordsPerSecond)}</td>
      <td class="right number">{bytes(heapBytes)}</td>
      <td class="right">{heardAgoMs < 5_000 ? <span class="number">now</span> : <Ago ms={heardAgoMs} />}</td>
      <td>
        <time class="number" dateTime={startedAt} title={startedAt}>
          {duration(Date.now() - Date.parse(startedAt))} ago
        </time>
      </td>
      <td>{isWebAddress(url) ? <a href={url}>{url}</a> : <span class="soft">none</span>}</td>
    </tr>
  )
}

function InstanceState({ instance: { heardAgoMs, ready, reasons } }: { instance: InstanceRow }) {
  if (heardAgoMs > LIVING_MS) return <Badge tone="bad">not heard</Badge>
  return ready ? (
    <Badge tone="good">ready</Badge>
  ) : (
    <Badge tone="warn" title={reasons.join('\n')}>
      not ready
    </Badge>
  )
}

/** A card says what it likes: only what is an address of the web becomes a link. */
const isWebAddress = (url: string | null): url is string => url !== null && /^https?:\/\//.test(url)
