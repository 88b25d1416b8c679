/** What is known of each part of the topology, now: its rate, and what its details tell. Pure. */
import type { DrawnNode, Overview, TopologyView } from '../../../contract.ts'
import { count, rate } from '../../format.ts'

export type Flowing = Pick<Overview, 'rates' | 'lagByTopic'>

export interface Fact {
  readonly name: string
  readonly value: string
}

/** Declared name of a part: what stands behind its kind in its id. */
const nameOf = ({ id }: DrawnNode): string => id.slice(id.indexOf(':') + 1)

/** Per second. Null: nothing of that kind flows through it. */
export function rateOfNode(node: DrawnNode, { rates }: Pick<Overview, 'rates'>): number | null {
  switch (node.kind) {
    case 'source':
      return sumOf(rates, `in:${nameOf(node)}:`)
    case 'handler':
      return rates[`in:${nameOf(node)}`] ?? 0
    case 'sink':
      return rates[`out:${nameOf(node)}`] ?? 0
    case 'dead-letters':
      return sumOf(rates, 'dead:')
    default:
      return null
  }
}

const sumOf = (rates: Overview['rates'], prefix: string): number =>
  Object.entries(rates).reduce((sum, [name, value]) => (name.startsWith(prefix) ? sum + value : sum), 0)

/** Of a source; null for all else. */
export const lagOfNode = (node: DrawnNode, { lagByTopic }: Flowing): number | null =>
  node.kind === 'source' ? (lagByTopic[nameOf(node)] ?? 0) : null

export const KIND_WORDS: Readonly<Record<DrawnNode['kind'], string>> = {
  source: 'input topic',
  handler: 'handler',
  store: 'store',
  counter: 'counter',
  index: 'index',
  sink: 'output topic',
  'dead-letters': 'dead letters',
}

export function factsOf(node: DrawnNode, topology: TopologyView, flowing: Flowing | null): readonly Fact[] {
  const facts: (Fact | null)[] = [
    ...rateFacts(node, flowing),
    node.topic === null || node.topic === nameOf(node) ? null : { name: 'declared as', value: nameOf(node) },
    ...linkFacts(node, topology),
  ]
  return facts.filter((fact) => fact !== null)
}

function rateFacts(node: DrawnNode, flowing: Flowing | null): readonly Fact[] {
  if (!flowing) return []
  const perSecond = rateOfNode(node, flowing)
  const lag = lagOfNode(node, flowing)
  const verb = node.kind === 'source' || node.kind === 'handler' ? 'processed' : 'written'
  return [
    ...(perSecond === null ? [] : [{ name: verb, value: rate(perSecond) }]),
    ...(lag === null ? [] : [{ name: 'lag', value: count(lag) }]),
    ...(node.kind === 'source'
      ? [{ name: 'dead letters', value: rate(flowing.rates[`dead:${nameOf(node)}`] ?? 0) }]
      : []),
  ]
}

function linkFacts(node: DrawnNode, { description, drawing }: TopologyView): readonly Fact[] {
  const labelOf = new Map(drawing.nodes.map(({ id, kind, label }) => [id, { kind, label }]))
  const others = (ids: readonly string[], kinds: readonly DrawnNode['kind'][]): string =>
    ids
      .flatMap((id) => {
        const other = labelOf.get(id)
        return other && kinds.includes(other.kind) ? [other.label] : []
      })
      .join(', ')
  const next = drawing.edges.filter(({ from }) => from === node.id).map(({ to }) => to)
  const before = drawing.edges.filter(({ to }) => to === node.id).map(({ from }) => from)
  const fact = (name: string, value: string): Fact[] => (value === '' ? [] : [{ name, value }])
  switch (node.kind) {
    case 'source':
      return fact('handlers', others(next, ['handler']))
    case 'handler':
      return [
        ...fact('uses', others(next, ['store', 'counter'])),
        ...fact('writes to', others(next, ['sink'])),
        ...fact('on an error', description.onTransformError === 'stop' ? 'the task stops' : 'dead letter'),
      ]
    case 'store':
      return [
        ...fact('kind', description.stores.find(({ name }) => name === nameOf(node))?.kind ?? ''),
        ...fact('used by', others(before, ['handler'])),
        ...fact('indexes', others(next, ['index'])),
      ]
    case 'index':
      return fact('of', others(before, ['store']))
    case 'counter':
      return fact('used by', others(before, ['handler']))
    case 'sink':
      return fact('written by', others(before, ['handler']))
    case 'dead-letters':
      return fact('from', others(before, ['source']))
  }
}
