/** ListTransactions, DescribeTransactions, DescribeProducers: what others can see of a transaction. */
import { Producer, Reader, topic } from '../players.ts'
import type { Script } from './script.ts'

export const inspections: readonly Script[] = [
  {
    name: 'a transaction as others see it: never used, new, open, ended, fenced',
    async play(talk, own) {
      await topic(talk, own, 2)
      const at = { topic: own, partition: 0 }
      const { transactions } = talk.kafka
      const a = new Producer(talk, 'a', own, own)
      const look = async (what: string): Promise<void> => {
        const { code, state, startedAtMs, partitions, ...identity } = await talk.until(
          () => talk.ask(() => transactions.describe(own)),
          (answer) => !answer.state.startsWith('Prepare'),
        )
        talk.note(`DescribeTransactions: ${what}`, {
          code,
          state,
          started: startedAtMs > 0,
          partitions: partitions
            // Which partition of it the group has is a matter of a hash and of the broker's settings.
            .map((p) => (p.topic === '__consumer_offsets' ? 'offsets' : `${p.topic.slice(own.length)}-${p.partition}`))
            .sort(),
          identity: code === 0 ? talk.names.identity(identity) : '-',
        })
        if (code !== 0) return
        const listed = await talk.stage.run(transactions.list({ producerIds: [identity.producerId] }))
        talk.note(
          `ListTransactions by producer: ${what}`,
          listed.map((t) => `${t.transactionalId.slice(own.length)} ${talk.names.producer(t.producerId)} ${t.state}`),
        )
        const open = await talk.stage.run(transactions.list({ states: ['Ongoing'] }))
        talk.note(
          `ListTransactions open: ${what}`,
          open.filter((t) => t.transactionalId === own).map((t) => talk.names.producer(t.producerId)),
        )
        for (const partition of [0, 1]) {
          const producers = await talk.stage.run(transactions.producers({ topic: own, partition }))
          talk.note(
            `DescribeProducers ${partition}: ${what}`,
            producers.map((p) => `${talk.names.identity(p)} ${p.currentTxnStartOffset}`),
          )
        }
      }
      await look('never used')
      await a.init()
      await look('new')
      await a.offsets([{ ...at, at: 1 }])
      await look('offsets')
      await a.produce([
        { ...at, values: ['x', 'y'] },
        { topic: own, partition: 1, values: ['z'] },
      ])
      await look('records')
      await a.end(true)
      const reader = new Reader(talk)
      await reader.stable({ ...at, from: 0 }, 3)
      await reader.stable({ topic: own, partition: 1, from: 0 }, 2)
      await look('committed')
      await a.produce([{ ...at, values: ['x'] }])
      await look('again')
      await a.end(false)
      await reader.stable({ ...at, from: 0 }, 5)
      await look('aborted')
      await a.produce([{ ...at, values: ['x'] }])
      talk.note('fence', await talk.ask(() => transactions.fence(own, a.identity), { concurrent: true }))
      await reader.stable({ ...at, from: 0 }, 7)
      await look('fenced')
      await a.init()
      await look('come back')
      // A coordinator writes a line for every partition that is added, the model one for the first.
      const past = (await talk.stage.run(transactions.past(own))).entries.map(
        (entry) => `${talk.names.identity(entry)} ${entry.state}`,
      )
      talk.note(
        '__transaction_state',
        past.filter((line, i) => line !== past[i - 1]),
      )
    },
  },
  {
    name: 'CreateTopics: what is refused',
    async play(talk, own) {
      const create = async (what: string, options: { partitions?: number; replicationFactor?: number }, name = own) => {
        const wanted = { topic: name, partitions: 1, replicationFactor: 1, configs: {}, ...options }
        talk.note(`CreateTopics ${what}`, [...(await talk.stage.run(talk.kafka.admin.createTopics([wanted]))).values()])
      }
      await create('good', {})
      await create('again', {})
      await create('without partitions', { partitions: 0 }, `${own}-0`)
      await create('with too many replicas', { replicationFactor: 99 }, `${own}-99`)
      await create('with a bad name', {}, `${own} bad`)
      const found = await talk.stage.run(talk.kafka.admin.topics([own, `${own}-0`]))
      talk.note(
        'topics',
        [...found.keys()].map((name) => name.slice(own.length)),
      )
    },
  },
  {
    name: 'what is asked of topics that are not there, and settings that do not exist',
    async play(talk, own) {
      const told = async (what: string, work: Promise<unknown>): Promise<void> => {
        const answer = await talk.stage.run(work.catch((error: Error) => error.name))
        talk.note(what, answer instanceof Map ? [...answer.keys()].length : answer)
      }
      const { admin, transactions } = talk.kafka
      await told('topics', admin.topics([own]))
      await told('DescribeConfigs', admin.configs(own))
      await told('DescribeProducers', transactions.producers({ topic: own, partition: 0 }))
      const odd = { topic: own, partitions: 1, replicationFactor: 1, configs: { 'no.such.setting': '1' } }
      const created = await talk.stage.run(admin.createTopics([odd]))
      talk.note('CreateTopics with a setting that does not exist', { code: created.get(own)! })
    },
  },
]
