/**
 * This example shows how to count records per key: one source, one `value` store, one sink, run by the test driver,
 * without Kafka and Redis.
 *
 *   npx node examples/01-counter-per-key.ts
 */
import { z } from 'zod'
import { TopologyTestDriver } from '../testing/topology-test-driver.ts'
import { defineTopology } from '../topology/define.ts'
import { json } from '../topology/json.ts'
import { sink } from '../topology/sinks.ts'
import { source } from '../topology/sources.ts'
import { value } from '../topology/stores.ts'

/** One JSON value per page: how often it was visited. */
const visits = value<string, number>({ name: 'visits', key: (page) => page })

const counts = sink<{ page: string; visits: number }>({ topic: 'visit-counts' })

const visit = json(z.object({ type: z.literal('VISIT'), page: z.string().min(1) }))

const pageVisits = source({
  topic: 'page-visits',
  decode: visit,
  key: ({ page }) => Buffer.from(page),
  on: {
    VISIT: {
      uses: [visits, counts],
      reads: ({ message }) => [visits.read(message.page)],
      transform({ message: { page } }, state) {
        const count = (state.value(visits, page) ?? 0) + 1
        return [visits.put(page, count), counts.emit(Buffer.from(page), { page, visits: count })]
      },
    },
  },
})

export const visitCounter = defineTopology({
  name: 'visit-counter',
  context: { read: () => null, write: () => [] },
  sources: [pageVisits],
  stores: [visits],
  sinks: [counts],
})

async function main(): Promise<void> {
  const driver = await TopologyTestDriver.start(visitCounter)
  const to = (page: string) => ({ topic: 'page-visits', key: page, value: { type: 'VISIT', page } })
  await driver.send(to('/home'), to('/shop'), to('/home'), { topic: 'page-visits', value: 'no JSON' })
  await driver.drain()
  for (const record of driver.read('visit-counts')) console.log(record.text)
  for (const letter of driver.deadLetters()) console.log(letter.reason, letter.origin.topic)

  // The process is killed and the store lost: the state comes back from the changelog.
  await driver.restart({ storeLost: true })
  await driver.send(to('/home'))
  await driver.drain()
  console.log(driver.read('visit-counts').map((record) => record.json.visits))
  await driver.close()
}

if (import.meta.main) await main()

/* Output:
{"page":"/shop","visits":1}
{"page":"/home","visits":1}
{"page":"/home","visits":2}
value.not_json page-visits
[ 3 ]
*/
