/**
 * This example shows how to keep fields per key in a `map` store, and how a transform declares what it reads: one field
 * for ADD, all fields of the key for CHECKOUT. It also shows drop() and reject().
 *
 *   npx node examples/02-map-store-with-reads.ts
 */
import { z } from 'zod'
import { TopologyTestDriver } from '../testing/topology-test-driver.ts'
import { defineTopology } from '../topology/define.ts'
import { drop, reject } from '../topology/effects.ts'
import { json } from '../topology/json.ts'
import { sink } from '../topology/sinks.ts'
import { source } from '../topology/sources.ts'
import { map } from '../topology/stores.ts'

const PIECES_MAX = 99

/** Pieces of each item in a customer's cart. A change writes one field, however many there are. */
const carts = map<string, string, number>({ name: 'carts', key: (customer) => customer })

const orders = sink<{ customer: string; items: Record<string, number> }>({ topic: 'orders' })

const command = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ADD'), customer: z.string().min(1), item: z.string().min(1), pieces: z.int().min(1) }),
  z.object({ type: z.literal('CHECKOUT'), customer: z.string().min(1) }),
])

const cartCommand = json(command)

const cartCommands = source({
  topic: 'cart-commands',
  decode: cartCommand,
  key: ({ customer }) => Buffer.from(customer),
  on: {
    ADD: {
      uses: [carts],
      reads: ({ message: { customer, item } }) => [carts.read(customer, item)],
      transform({ message: { customer, item, pieces } }, state) {
        const total = (state.get(carts, customer, item) ?? 0) + pieces
        // The record as a whole becomes a dead letter with this code.
        if (total > PIECES_MAX) return [reject('cart.too_many', `at most ${PIECES_MAX} pieces of an item`)]
        return [carts.put(customer, item, total)]
      },
    },
    CHECKOUT: {
      uses: [carts, orders],
      reads: ({ message: { customer } }) => [carts.readAll(customer)],
      transform({ message: { customer } }, state) {
        const entries = state.all(carts, customer)
        // Nothing to act on, and no error: counted, and that is all.
        if (entries.length === 0) return [drop('cart.empty')]
        return [
          ...entries.map(([item]) => carts.delete(customer, item)),
          orders.emit(Buffer.from(customer), { customer, items: Object.fromEntries(entries) }),
        ]
      },
    },
  },
})

export const shop = defineTopology({
  name: 'shop',
  context: { read: () => null, write: () => [] },
  sources: [cartCommands],
  stores: [carts],
  sinks: [orders],
})

async function main(): Promise<void> {
  const driver = await TopologyTestDriver.start(shop)
  const send = (value: z.infer<typeof command>) => driver.send({ topic: 'cart-commands', key: value.customer, value })
  await send({ type: 'ADD', customer: 'ada', item: 'lamp', pieces: 1 })
  await send({ type: 'ADD', customer: 'ada', item: 'book', pieces: 2 })
  await send({ type: 'ADD', customer: 'ada', item: 'book', pieces: 1 })
  await send({ type: 'ADD', customer: 'ada', item: 'lamp', pieces: 99 })
  await driver.drain()
  console.log(await driver.state.all(carts, 'ada'))
  for (const letter of driver.deadLetters()) console.log(letter.reason, letter.message)

  await send({ type: 'CHECKOUT', customer: 'ada' })
  await send({ type: 'CHECKOUT', customer: 'ada' })
  await driver.drain()
  for (const record of driver.read('orders')) console.log(record.text)
  console.log(await driver.state.all(carts, 'ada'))
  await driver.close()
}

if (import.meta.main) await main()

/* Output:
[ [ 'book', 3 ], [ 'lamp', 1 ] ]
cart.too_many at most 99 pieces of an item
{"customer":"ada","items":{"book":3,"lamp":1}}
[]
*/
