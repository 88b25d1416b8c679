/** A described topology as a Mermaid flowchart: topics as stadiums, handlers as boxes, state as cylinders. */
import type { TopologyDescription } from './describe.ts'

/** Text of a Mermaid document. Node ids are made here; names appear in escaped labels only. */
export function mermaid(topology: TopologyDescription): string {
  const ids = new Map<string, string>()
  const idOf = (kind: string, name: string): string => {
    const key = `${kind} ${name}`
    const id = ids.get(key) ?? `n${ids.size}`
    ids.set(key, id)
    return id
  }
  const nodes: string[] = []
  const edges: string[] = []

  for (const [i, source] of topology.sources.entries()) {
    nodes.push(`${idOf('source', source.topic)}(["${label(source.topic)}"])`)
    for (const handler of source.handlers) {
      const id = idOf(`handler ${i}`, handler.type)
      nodes.push(`${id}["${label(handler.type)}"]`)
      edges.push(`${idOf('source', source.topic)} --> ${id}`)
      for (const store of handler.stores ?? []) edges.push(`${id} --- ${idOf('state', store)}`)
      for (const sink of handler.sinks ?? []) edges.push(`${id} --> ${idOf('sink', sink)}`)
    }
  }
  for (const { name } of [...topology.stores, ...topology.counters.filter(({ of }) => of === null)]) {
    nodes.push(`${idOf('state', name)}[("${label(name)}")]`)
  }
  for (const { name, store } of topology.indexes) {
    nodes.push(`${idOf('index', name)}{{"${label(name)}"}}`)
    edges.push(`${idOf('state', store)} -.-> ${idOf('index', name)}`)
  }
  for (const { name, topic } of topology.sinks) nodes.push(`${idOf('sink', name)}(["${label(topic)}"])`)

  return ['flowchart LR', ...nodes.map(indented), ...edges.map(indented), ''].join('\n')
}

/** Everything but plain characters as a numeric entity, so that no name can end its label or be taken for markup. */
const label = (text: string): string =>
  text.replace(/[^A-Za-z0-9 ._:/-]/gu, (character) => `#${character.codePointAt(0)};`)

const indented = (line: string): string => `  ${line}`
