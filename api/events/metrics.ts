/** What is counted of the event streams, in Prometheus form. Read when scraped; owns no number. */
import { Counter, Gauge, type Registry } from 'prom-client'
import type { EventStats } from './subscriber.ts'

export function registerEventMetrics(registry: Registry, stats: () => EventStats): void {
  const registers = [registry]
  const counted = (name: string, help: string, read: (stats: EventStats) => number): void => {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(read(stats()))
      },
    })
  }
  new Gauge({
    name: 'topology_sse_subscribers',
    help: 'Event streams that are open',
    registers,
    collect() {
      this.set(stats().subscribers)
    },
  })
  counted('topology_sse_events_sent_total', 'Events written to clients of event streams', ({ sent }) => sent)
  counted(
    'topology_sse_slow_clients_dropped_total',
    'Clients of event streams dropped because they did not take what they were sent',
    ({ slowClients }) => slowClients,
  )
  counted(
    'topology_sse_released_by_timeout_total',
    'Events sent after 1 s without knowing that Redis has what they tell of',
    ({ releasedByTimeout }) => releasedByTimeout,
  )
}
