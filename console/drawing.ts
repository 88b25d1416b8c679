/**
 * Where the parts of a topology stand when it is drawn: sources, their handlers, what handlers use, from left to right. Pure:
 * the same topology gives the same drawing.
 */
import dagre from '@dagrejs/dagre'
import type { TopologyDescription } from '../topology/describe.ts'
import type { DrawnEdge, DrawnNode, NodeKind, TopologyView } from './contract.ts'

type Drawing = TopologyView['drawing']

/** About the width of a letter of the labels, px; those who draw may let a label end earlier. */
const LETTER = 7.2
const HEIGHT = 44
const WIDTH_MIN = 96
const WIDTH_MAX = 270
/** Room for the sign before a label, and for what is shown behind it. */
const PADDING = 46

interface Part {
  readonly id: string
  readonly kind: NodeKind
  readonly label: string
  readonly topic: string | null
}

interface Line {
  readonly from: string
  readonly to: string
  readonly rate: string | null
}

export const rateOf = {
  read: (topic: string, type: string): string => `in:${topic}:${type}`,
  written: (topic: string): string => `out:${topic}`,
  buried: (topic: string): string => `dead:${topic}`,
  forwarded: 'forward',
}

/** `topics`: real names by declared ones; `deadLetters`: the name of their topic. */
export function draw(
  topology: TopologyDescription,
  topics: Readonly<Record<string, string>>,
  deadLetters: string,
): Drawing {
  const parts = partsOf(topology, topics, deadLetters)
  const lines = linesOf(topology)
  const graph = new dagre.graphlib.Graph<{ width?: number; height?: number }>()
  graph.setGraph({ rankdir: 'LR', nodesep: 18, ranksep: 72, marginx: 8, marginy: 8 })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const { id, label } of parts) graph.setNode(id, { width: widthOf(label), height: HEIGHT })
  for (const { from, to } of lines) graph.setEdge(from, to)
  dagre.layout(graph)
  const nodes = parts.map((part): DrawnNode => {
    const {
      x = 0,
      y = 0,
      width = 0,
      height = 0,
    } = graph.node(part.id) as { x?: number; y?: number; width?: number; height?: number }
    return { ...part, x: round(x), y: round(y), width: round(width), height: round(height) }
  })
  const edges = lines.map(({ from, to, rate }): DrawnEdge => {
    const { points = [] } = graph.edge(from, to) as { points?: { x: number; y: number }[] }
    return { id: `${from}>${to}`, from, to, rate, points: points.map(({ x, y }) => ({ x: round(x), y: round(y) })) }
  })
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number }
  return { width: round(width), height: round(height), nodes, edges }
}

function partsOf(
  { sources, stores, counters, indexes, sinks }: TopologyDescription,
  topics: Readonly<Record<string, string>>,
  deadLetters: string,
): readonly Part[] {
  const topicOf = (declared: string): string => topics[declared] ?? declared
  return [
    ...sources.map(({ topic }) => part('source', topic, topicOf(topic))),
    ...sources.flatMap(({ topic, handlers }) =>
      handlers.map(({ type }): Part => ({ id: handlerId(topic, type), kind: 'handler', label: type, topic: null })),
    ),
    ...stores.map(({ name }) => part('store', name)),
    ...counters.filter(({ of }) => of === null).map(({ name }) => part('counter', name)),
    ...indexes.map(({ name }) => part('index', name)),
    ...sinks.map(({ topic }) => part('sink', topic, topicOf(topic))),
    { id: 'dead-letters', kind: 'dead-letters', label: 'dead letters', topic: deadLetters },
  ]
}

function linesOf({ sources, stores, counters, indexes, sinks }: TopologyDescription): readonly Line[] {
  const kept = new Map<string, string>([
    ...stores.map(({ name }) => [name, `store:${name}`] as const),
    ...counters.filter(({ of }) => of === null).map(({ name }) => [name, `counter:${name}`] as const),
  ])
  const topicOfSink = new Map(sinks.map(({ name, topic }) => [name, topic]))
  return [
    ...sources.flatMap(({ topic, handlers }) => [
      ...handlers.flatMap(({ type, stores: used, sinks: written }): Line[] => {
        const rate = rateOf.read(topic, type)
        const from = handlerId(topic, type)
        const line = (to: string | undefined): Line[] => (to === undefined ? [] : [{ from, to, rate }])
        return [
          { from: `source:${topic}`, to: from, rate },
          ...(used ?? []).flatMap((name) => line(kept.get(name))),
          ...(written ?? []).flatMap((name) =>
            line(topicOfSink.has(name) ? `sink:${topicOfSink.get(name)}` : undefined),
          ),
        ]
      }),
      { from: `source:${topic}`, to: 'dead-letters', rate: rateOf.buried(topic) },
    ]),
    ...indexes.map(({ name, store }) => ({ from: `store:${store}`, to: `index:${name}`, rate: null })),
  ]
}

const part = (kind: NodeKind, name: string, topic: string | null = null): Part => ({
  id: `${kind}:${name}`,
  kind,
  label: topic ?? name,
  topic,
})

const handlerId = (topic: string, type: string): string => `handler:${topic}:${type}`

const widthOf = (label: string): number => Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, label.length * LETTER + PADDING))

const round = (value: number): number => Math.round(value * 10) / 10
