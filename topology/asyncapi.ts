/**
 * A topology as an AsyncAPI 3.0 document: a channel per source and sink, a message per type, with what is declared of
 * values, keys and headers. Pure, and says nothing of a cluster: what is not declared is left open.
 * Source: AsyncAPI 3.0.0; Kafka bindings 0.5.0.
 */
import { z } from 'zod'
import type { Topology } from './define.ts'

export interface AsyncApiOptions {
  readonly title: string
  readonly version: string
  readonly description?: string
  /** Real name by declared name; a topic that is not in it has its declared name. */
  readonly topicNames?: Readonly<Record<string, string>>
  /** `host:port` of a broker, to be named as a server. */
  readonly bootstrapServers?: string
}

type Json = { readonly [name: string]: unknown }

export interface AsyncApiDocument extends Json {
  readonly asyncapi: '3.0.0'
  readonly channels: { readonly [id: string]: Json }
  readonly operations: { readonly [id: string]: Json }
}

const BINDING = '0.5.0'

/** What the engine itself puts beside the headers of the topology: the W3C trace context. */
const TRACE_HEADERS: Json = {
  traceparent: { type: 'string', description: 'W3C trace context, text' },
  tracestate: { type: 'string', description: 'W3C trace context, text' },
  baggage: { type: 'string', description: 'W3C baggage, text' },
}

export function asyncApi(topology: Topology, options: AsyncApiOptions): AsyncApiDocument {
  const { title, version, description, topicNames = {}, bootstrapServers } = options
  const headers = headersOf(topology)
  const messages: Record<string, Json> = {}
  const channels: Record<string, Json> = {}
  const operations: Record<string, Json> = {}

  const channel = (
    action: 'receive' | 'send',
    topic: string,
    keyDescription: string | null,
    types: readonly (readonly [type: string, payload: Json])[],
  ): void => {
    const ids = types.map(([type]) => [type, `${topic}.${type}`] as const)
    for (const [i, [type, payload]] of types.entries())
      messages[ids[i]![1]] = {
        name: type,
        title: `${type} (${topic})`,
        ...(typeof payload['description'] === 'string' ? { summary: payload['description'] } : {}),
        contentType: 'application/json',
        headers,
        payload,
        bindings: {
          kafka: {
            ...(keyDescription === null ? {} : { key: { type: 'string', description: keyDescription } }),
            bindingVersion: BINDING,
          },
        },
      }
    channels[topic] = {
      address: topicNames[topic] ?? topic,
      messages: Object.fromEntries(ids.map(([type, id]) => [type, { $ref: ref('components', 'messages', id) }])),
      bindings: { kafka: { topic: topicNames[topic] ?? topic, bindingVersion: BINDING } },
    }
    operations[`${action} ${topic}`] = {
      action,
      channel: { $ref: ref('channels', topic) },
      messages: ids.map(([type]) => ({ $ref: ref('channels', topic, 'messages', type) })),
    }
  }

  for (const { topic, schema, keyDescription, on } of topology.sources) {
    const declared = typesOf(schema, 'input')
    channel(
      'receive',
      topic,
      keyDescription,
      [...on.keys()].map((type) => [type, declared.get(type) ?? anyOfType(type)] as const),
    )
  }
  for (const { topic, name, schema, keyDescription } of topology.sinks) {
    const declared = typesOf(schema, 'output')
    const whole = schema === null ? {} : jsonSchema(schema, 'output')
    channel('send', topic, keyDescription, declared.size > 0 ? [...declared] : [[name, whole]])
  }
  return {
    asyncapi: '3.0.0',
    info: { title, version, ...(description === undefined ? {} : { description }) },
    defaultContentType: 'application/json',
    ...(bootstrapServers === undefined ? {} : { servers: { kafka: { host: bootstrapServers, protocol: 'kafka' } } }),
    channels,
    operations,
    components: { messages },
  }
}

/** JSON pointer within the document. Source: RFC 6901. */
const ref = (...path: readonly string[]): string =>
  `#/${path.map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`

/** The schemas of a union by their `type`; empty when there is none. */
function typesOf(schema: unknown, io: 'input' | 'output'): ReadonlyMap<string, Json> {
  const whole = schema === null ? {} : jsonSchema(schema, io)
  const options = [whole['oneOf'], whole['anyOf'], [whole]].find(Array.isArray) as readonly Json[]
  const found = new Map<string, Json>()
  for (const option of options) {
    const properties = option['properties'] as { readonly type?: { readonly const?: unknown } } | undefined
    const type = properties?.type?.const
    if (typeof type === 'string') found.set(type, option)
  }
  return found
}

const anyOfType = (type: string): Json => ({
  type: 'object',
  required: ['type'],
  properties: { type: { const: type } },
})

function headersOf({ context }: Topology): Json {
  const declared = context.schema === undefined ? {} : jsonSchema(context.schema, 'output')
  return {
    type: 'object',
    ...(Array.isArray(declared['required']) ? { required: declared['required'] } : {}),
    properties: { ...(declared['properties'] as Json | undefined), ...TRACE_HEADERS },
  }
}

/** Of a zod schema; anything else is not known. */
function jsonSchema(schema: unknown, io: 'input' | 'output'): Json {
  if (!(schema instanceof z.ZodType)) return {}
  const { $schema: _, ...json } = z.toJSONSchema(schema, { target: 'draft-07', io, unrepresentable: 'any' })
  return json
}
