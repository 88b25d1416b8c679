/**
 * A topology for people and tools: as plain data, as text in the manner of Kafka Streams, and as a Mermaid flowchart.
 * Says what was declared and nothing else; a handler without `uses` is drawn without edges to stores and sinks.
 */
import type { Topology } from './define.ts'
import { mermaid } from './describe-mermaid.ts'
import type { Handler, Message } from './sources.ts'

export interface TopologyDescription {
  readonly name: string
  readonly onTransformError: 'dead-letter' | 'stop'
  readonly sources: readonly SourceDescription[]
  readonly stores: readonly { readonly name: string; readonly kind: 'map' | 'value' }[]
  /** `of`: the store that it is bookkeeping of, and drawn with. */
  readonly counters: readonly { readonly name: string; readonly of: string | null }[]
  readonly indexes: readonly { readonly name: string; readonly store: string }[]
  readonly sinks: readonly { readonly name: string; readonly topic: string }[]
}

export interface SourceDescription {
  readonly name: string
  readonly topic: string
  readonly handlers: readonly HandlerDescription[]
}

export interface HandlerDescription {
  /** The message type. */
  readonly type: string
  /** Whether it declares reads; one that does not sees counters only. */
  readonly reads: boolean
  /** Names of the stores and of the counters in their own right it uses, in the order declared; null when it does not say. */
  readonly stores: readonly string[] | null
  /** Names of the sinks it writes to; null when it does not say. */
  readonly sinks: readonly string[] | null
}

export interface Described {
  readonly json: TopologyDescription
  readonly text: string
  readonly mermaid: string
}

export function describe(topology: Topology): Described {
  const json = describeAsData(topology)
  return { json, text: describeAsText(json), mermaid: mermaid(json) }
}

function describeAsData(topology: Topology): TopologyDescription {
  return {
    name: topology.name,
    onTransformError: topology.onTransformError,
    sources: topology.sources.map((source) => ({
      name: source.name,
      topic: source.topic,
      handlers: [...source.on].map(([type, handler]) => describeHandler(type, handler)),
    })),
    stores: topology.stores.map(({ name, kind }) => ({ name, kind })),
    counters: topology.counters.map(({ name, of }) => ({ name, of })),
    indexes: topology.indexes.map(({ name, store }) => ({ name, store })),
    sinks: topology.sinks.map(({ name, topic }) => ({ name, topic })),
  }
}

function describeHandler(type: string, handler: Handler<Message, unknown>): HandlerDescription {
  const names = (sinks: boolean) =>
    handler.uses?.filter((part) => (part.kind === 'sink') === sinks && !part.of).map((part) => part.name) ?? null
  return { type, reads: handler.reads !== undefined, stores: names(false), sinks: names(true) }
}

function describeAsText(topology: TopologyDescription): string {
  const lines = [`Topology: ${topology.name}`]
  for (const source of topology.sources) {
    lines.push(`  Source: ${source.name} (topic: ${source.topic})`)
    for (const handler of source.handlers) lines.push(`    --> ${handler.type}`)
    for (const handler of source.handlers) lines.push(...handlerText(source, handler))
  }
  for (const store of topology.stores) lines.push(`  Store: ${store.name} (${store.kind})`)
  for (const { name, of } of topology.counters) lines.push(`  Counter: ${name}${of === null ? '' : ` (of: ${of})`}`)
  for (const index of topology.indexes) lines.push(`  Index: ${index.name} (of: ${index.store})`)
  for (const sink of topology.sinks) {
    lines.push(`  Sink: ${sink.name} (topic: ${sink.topic})`)
    for (const source of topology.sources) {
      for (const handler of source.handlers) {
        if (handler.sinks?.includes(sink.name)) lines.push(`    <-- ${source.name}.${handler.type}`)
      }
    }
  }
  return `${lines.join('\n')}\n`
}

function handlerText(source: SourceDescription, handler: HandlerDescription): string[] {
  const stores = handler.stores === null ? 'not declared' : `[${handler.stores.join(', ')}]`
  return [
    `  Processor: ${source.name}.${handler.type} (stores: ${stores})`,
    ...(handler.sinks ?? []).map((sink) => `    --> ${sink}`),
    `    <-- ${source.name}`,
  ]
}
