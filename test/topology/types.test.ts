/**
 * What the compiler refuses. The assertions are the `@ts-expect-error` lines, checked by `tsc`: one that is not needed
 * is an error there. The test itself only runs the code so that it is not dead.
 */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { subscribe } from '../../subscribe/subscribe.ts'
import { defineTopology, type HeaderContext } from '../../topology/define.ts'
import { json } from '../../topology/json.ts'
import { createNote } from '../../topology/notes/create.ts'
import { noteStatus } from '../../topology/notes/events.ts'
import { noteCommand } from '../../topology/notes/messages.ts'
import { notes } from '../../topology/notes/state.ts'
import { sink } from '../../topology/sinks.ts'
import { type Handler, source } from '../../topology/sources.ts'
import { map } from '../../topology/stores.ts'

interface Tenant {
  readonly id: string
}
const context: HeaderContext<Tenant> = { read: () => ({ id: 'x' }), write: () => [] }
const decode = json(
  z.discriminatedUnion('type', [
    z.object({ type: z.literal('ADD'), amount: z.int() }),
    z.object({ type: z.literal('CLEAR'), reason: z.string() }),
  ]),
)
const key = () => Buffer.alloc(0)
const totals = map<{ tenant: string }, number, { total: number }>({ name: 'totals', key: (k) => k.tenant })
const out = sink<{ total: number }>({ topic: 'out' })
const schema = z.object({ total: z.int() })
const bySchema = sink({ topic: 'by-schema', value: schema })

test('a sink takes only its own values', () => {
  out.emit(null, { total: 1 })
  bySchema.emit(null, { total: 1 })
  // @ts-expect-error a wrong field
  out.emit(null, { totals: 1 })
  // @ts-expect-error a wrong type
  bySchema.emit(null, { total: '1' })
  // @ts-expect-error the key is bytes
  out.emit('key', { total: 1 })
  // @ts-expect-error not a status event
  noteStatus.emit(null, { transactionId: '', characterId: 1, type: 'REMOVED', body: { noteId: 1 } })
  // @ts-expect-error the body of another event
  noteStatus.emit(null, { transactionId: '', characterId: 1, type: 'CREATED', body: { noteId: 1 } })
  expect(out.topic).toBe('out')
})

test('a store takes only its own keys, fields and values', () => {
  totals.put({ tenant: 'x' }, 1, { total: 1 })
  // @ts-expect-error a wrong key
  expect(totals.put({ owner: 'x' }, 1, { total: 1 }).key).toBeUndefined()
  // @ts-expect-error a wrong field
  totals.delete({ tenant: 'x' }, '1')
  // @ts-expect-error a wrong value
  totals.put({ tenant: 'x' }, 1, { total: '1' })
  // @ts-expect-error a note without its time
  notes.put({ tenantId: 'x', characterId: 1 }, 1, { senderId: 1, message: '', flag: 0 })
})

test('a handler sees the type of its message, of its context and of what it reads', () => {
  const declared = source({
    topic: 'in',
    decode,
    key: (message, tenant: Tenant) => Buffer.from(`${message.type}${tenant.id}`),
    on: {
      ADD: {
        transform: ({ message, context: tenant }, state) => {
          const amount: number = message.amount
          const id: string = tenant.id
          const total: number | undefined = state.get(totals, { tenant: id }, amount)?.total
          // @ts-expect-error of the other type
          expect(message.reason).toBeUndefined()
          // @ts-expect-error may be absent
          const certain: number = state.get(totals, { tenant: id }, 1).total
          return [out.emit(null, { total: (total ?? 0) + amount + certain })]
        },
      },
      CLEAR: {
        // @ts-expect-error not an effect
        transform: ({ message }) => {
          const reason: string = message.reason
          return [{ kind: 'forget', reason }]
        },
      },
    },
  })
  expect([...declared.on.keys()]).toEqual(['ADD', 'CLEAR'])
})

test('a source takes handlers of its own messages only', () => {
  const add: Handler<{ type: 'ADD'; amount: number }, Tenant> = { transform: () => [] }
  source({ topic: 'in', decode, key, on: { ADD: add } })
  // @ts-expect-error another message
  source({ topic: 'in', decode, key, on: { CLEAR: add } })
  // @ts-expect-error no such type
  source({ topic: 'in', decode, key, on: { REMOVE: add } })
  // @ts-expect-error another message
  source({ topic: 'in', decode: noteCommand, key, on: { DISCARD: createNote } })
  expect(add.transform).toBeTypeOf('function')
})

test('all sources of a topology have its context', () => {
  const add: Handler<{ type: 'ADD'; amount: number }, Tenant> = { transform: () => [] }
  const other: HeaderContext<{ name: string }> = { read: () => ({ name: 'x' }), write: () => [] }
  const sources = [source({ topic: 'in', decode, key, on: { ADD: add } })]
  defineTopology({ name: 'fits', context, sources, stores: [totals], sinks: [out] })
  // @ts-expect-error the handlers want a tenant
  defineTopology({ name: 'differs', context: other, sources, sinks: [out] })
  expect(sources).toHaveLength(1)
})

test('a subscription has the values of its sink', () => {
  const to = { kafka: { bootstrapServers: 'x:1', clientId: 'x' } }
  const read = async (): Promise<void> => {
    for await (const { value } of subscribe(to, noteStatus)) {
      if (value.type === 'CREATE_FAILED') value.body.reason.trim()
      // @ts-expect-error only one of the types has a reason
      value.body.reason
      // @ts-expect-error no such type
      if (value.type === 'BORN') return
    }
    for await (const { value } of subscribe(to, bySchema, { from: { 0: 1 } })) value.total.toFixed()
    // @ts-expect-error what is decoded must be the sink's value
    subscribe(to, bySchema, { decode: () => 'text' })
    // @ts-expect-error places are numbers
    subscribe(to, bySchema, { from: { 0: 'x' } })
  }
  expect(read).toBeTypeOf('function')
})
