/** The rules of a topology, one code each. Pure: looks at the value alone. */
import type { Topology } from './define.ts'
import { TopologyError } from './errors.ts'

const NAME = /^[a-z][a-z0-9-]{0,62}$/
const TOPIC = /^[A-Za-z0-9._-]{1,200}$/

export interface TopologyRule {
  readonly code: string
  readonly remedy: string
  /** The message, when the topology breaks the rule. */
  readonly broken: (topology: Topology) => string | undefined
}

const RESERVED: readonly string[] = ['task', 'lease', 'checkpoint']

const stateNames = (t: Topology): readonly string[] => [...t.stores, ...t.counters, ...t.indexes].map((s) => s.name)

const say = (name: string | undefined, what: string): string | undefined =>
  name === undefined ? undefined : `${JSON.stringify(name)} ${what}`

const repeated = (names: readonly string[]): string | undefined => names.find((name, i) => names.indexOf(name) !== i)

export const topologyRules: readonly TopologyRule[] = [
  {
    code: 'topology.name_invalid',
    remedy: 'Use lower-case letters, digits and hyphens, at most 63, starting with a letter.',
    broken: (t) =>
      say(
        [t.name, ...stateNames(t)].find((n) => !NAME.test(n)),
        'is not a name',
      ),
  },
  {
    code: 'topology.topic_invalid',
    remedy:
      'A Kafka topic name has 1 to 200 letters, digits, dots, underscores or hyphens (the rest is left for suffixes).',
    broken: (t) =>
      say(
        [...t.sources, ...t.sinks].map((s) => s.topic).find((n) => !TOPIC.test(n)),
        'is not a topic name',
      ),
  },
  {
    code: 'topology.no_source',
    remedy: 'Declare at least one source.',
    broken: (t) => (t.sources.length === 0 ? 'has no source' : undefined),
  },
  {
    code: 'topology.no_handler',
    remedy: 'Give the source a transform for at least one message type.',
    broken: (t) => say(t.sources.find((s) => s.on.size === 0)?.topic, 'is a source without a handler'),
  },
  {
    code: 'topology.source_repeated',
    remedy: 'Each topic is one source; put all its message types there.',
    broken: (t) => say(repeated(t.sources.map((s) => s.topic)), 'is declared as a source twice'),
  },
  {
    code: 'topology.sink_repeated',
    remedy: 'Declare each output topic once and share the sink.',
    broken: (t) => say(repeated(t.sinks.map((s) => s.topic)), 'is declared as a sink twice'),
  },
  {
    code: 'topology.loop',
    remedy: 'A topic cannot be source and sink of one topology: its output would be its own input.',
    broken: (t) =>
      say(t.sinks.find((sink) => t.sources.some((s) => s.topic === sink.topic))?.topic, 'is both source and sink'),
  },
  {
    code: 'topology.store_repeated',
    remedy: 'Stores, counters and indexes share one name space: rename one.',
    broken: (t) => say(repeated(stateNames(t)), 'names two things'),
  },
  {
    code: 'topology.name_reserved',
    remedy: 'The names task, lease and checkpoint are used by the engine: choose another.',
    broken: (t) =>
      say(
        stateNames(t).find((n) => RESERVED.includes(n)),
        'is a reserved name',
      ),
  },
  {
    code: 'topology.index_without_store',
    remedy: 'An index is a view of a map store of the same topology: declare that store.',
    broken: (t) =>
      say(
        t.indexes.find((i) => !t.stores.some((s) => s.name === i.store && s.kind === 'map'))?.name,
        'is an index of no map store',
      ),
  },
  {
    code: 'topology.counter_without_store',
    remedy: 'A counter that is bookkeeping of a store belongs to the same topology: declare that store.',
    broken: (t) =>
      say(
        t.counters.find((c) => c.of !== null && !t.stores.some((s) => s.name === c.of))?.name,
        'is a counter of no store',
      ),
  },
  {
    code: 'topology.part_undeclared',
    remedy: 'Whatever a handler uses must be among the stores, counters and sinks of the topology: add it there.',
    broken: undeclaredPart,
  },
]

function undeclaredPart(t: Topology): string | undefined {
  const declared = new Set<object>([...t.stores, ...t.counters, ...t.sinks])
  for (const source of t.sources) {
    for (const [type, handler] of source.on) {
      const part = handler.uses?.find((used) => !declared.has(used))
      if (part) return `${source.topic} ${type} uses the ${part.kind} ${part.name}, which the topology does not declare`
    }
  }
  return undefined
}

/** Throws TopologyError for the first rule that is broken. */
export function validate(topology: Topology): void {
  for (const rule of topologyRules) {
    const found = rule.broken(topology)
    if (found !== undefined)
      throw new TopologyError(rule.code, `Topology ${JSON.stringify(topology.name)}: ${found}`, rule.remedy)
  }
}
