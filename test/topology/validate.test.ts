import { describe, expect, test } from 'vitest'
import { defineTopology, type TopologySpec } from '../../topology/define.ts'
import { TopologyError } from '../../topology/errors.ts'
import { sink } from '../../topology/sinks.ts'
import { source } from '../../topology/sources.ts'
import { counter, index, map, value } from '../../topology/stores.ts'
import { topologyRules } from '../../topology/validate.ts'

const context = { read: () => null, write: () => [] }
const decode = () => ({ type: 'A' })
const key = () => Buffer.alloc(0)
const input = (topic = 'in') => source({ topic, decode, key, on: { A: { transform: () => [] } } })
const output = (topic = 'out') => sink<object>({ topic })
const store = (name = 'things') => map<string, string, object>({ name, key: (id) => id })
const view = (name = 'view', of = 'things') =>
  index({ name, of: { name: of }, group: (k) => k, member: (_, f) => f, score: () => 0 })

const sound: TopologySpec<null> = {
  name: 'sound',
  context,
  sources: [input()],
  stores: [store(), value<string, object>({ name: 'settings', key: (id) => id })],
  counters: [counter({ name: 'seen' })],
  indexes: [view()],
  sinks: [output()],
}

/** One topology per rule that breaks this rule, and no rule before it. */
const broken: Record<string, readonly Partial<TopologySpec<null>>[]> = {
  'topology.name_invalid': [
    { name: '' },
    { name: 'Sound' },
    { name: 'x'.repeat(64) },
    { stores: [store('a:b')], indexes: [] },
    { counters: [counter({ name: '1st' })] },
    { indexes: [view('{tag}')] },
  ],
  'topology.topic_invalid': [
    { sources: [input('in topic')] },
    { sources: [input('')] },
    { sinks: [output('x'.repeat(201))] },
  ],
  'topology.no_source': [{ sources: [] }],
  'topology.no_handler': [{ sources: [source({ topic: 'in', decode, key, on: {} })] }],
  'topology.source_repeated': [{ sources: [input(), input()] }],
  'topology.sink_repeated': [{ sinks: [output(), output()] }],
  'topology.loop': [{ sinks: [output('in')] }],
  'topology.store_repeated': [
    { stores: [store(), store()] },
    { counters: [counter({ name: 'things' })] },
    { indexes: [view('things')] },
  ],
  'topology.name_reserved': [
    { counters: [counter({ name: 'task' })] },
    { counters: [counter({ name: 'lease' })] },
    { indexes: [view('checkpoint')] },
  ],
  'topology.index_without_store': [{ indexes: [view('view', 'other')] }, { indexes: [view('view', 'settings')] }],
  'topology.counter_without_store': [{ counters: [counter({ name: 'bookkeeping', of: { name: 'other' } })] }],
  'topology.part_undeclared': [
    { sources: [source({ topic: 'in', decode, key, on: { A: { uses: [output('other')], transform: () => [] } } })] },
    { sources: [source({ topic: 'in', decode, key, on: { A: { uses: [store()], transform: () => [] } } })] },
  ],
}

describe('a topology', () => {
  test('that breaks no rule is a frozen value', () => {
    const topology = defineTopology(sound)
    expect(Object.isFrozen(topology)).toBe(true)
    expect(topology.onTransformError).toBe('dead-letter')
    expect(defineTopology({ name: 'small', context, sources: [input()], sinks: [] }).stores).toEqual([])
  })

  test('has a broken example for every rule', () => {
    expect(Object.keys(broken).sort()).toEqual(topologyRules.map((rule) => rule.code).sort())
  })

  test.each(Object.entries(broken).flatMap(([code, specs]) => specs.map((spec, i) => [code, i, spec] as const)))(
    '%s (%i)',
    (code, _, spec) => {
      let error: unknown
      try {
        defineTopology({ ...sound, ...spec })
      } catch (thrown) {
        error = thrown
      }
      expect(error).toBeInstanceOf(TopologyError)
      expect((error as TopologyError).code).toBe(code)
      expect((error as TopologyError).remedy).not.toBe('')
      expect((error as TopologyError).message).toContain(code)
    },
  )
})
