/** What is known of the part that is looked at; else what one can do. Its height does not change. */
import type { DrawnNode, Overview, TopologyView } from '../../../contract.ts'
import { linkTo } from '../../router.ts'
import { Foreign } from '../parts.tsx'
import { factsOf, KIND_WORDS } from './node-facts.ts'
import { SIGNS } from './node-shapes.tsx'

interface Props {
  readonly node: DrawnNode | null
  readonly topology: TopologyView
  readonly overview: Overview | null
}

const KINDS = ['source', 'handler', 'store', 'counter', 'index', 'sink', 'dead-letters'] as const

export function NodeDetails({ node, topology, overview }: Props) {
  const kinds = new Set(topology.drawing.nodes.map(({ kind }) => kind))
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="node-details" tabIndex={0} aria-label="The part that is looked at">
      {node === null ? (
        <ul class="kinds" aria-label="What the signs mean">
          {KINDS.filter((kind) => kinds.has(kind)).map((kind) => (
            <li key={kind} class={`part ${kind}`}>
              <svg viewBox="-8 -8 16 16" aria-hidden="true">
                <path class="sign" d={SIGNS[kind]} />
              </svg>
              {KIND_WORDS[kind]}
            </li>
          ))}
        </ul>
      ) : (
        <>
          <strong>
            <span class="soft">{KIND_WORDS[node.kind]}</span> <Foreign text={node.label} />
          </strong>
          <dl>
            {factsOf(node, topology, overview).map(({ name, value }) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>
                  <Foreign text={value} />
                </dd>
              </div>
            ))}
          </dl>
          <MoreOf node={node} />
        </>
      )}
    </section>
  )
}

function MoreOf({ node }: { node: DrawnNode }) {
  switch (node.kind) {
    case 'source':
      return <a href={linkTo(['tasks'], { sort: 'lag', order: 'down' })}>Lag by task</a>
    case 'dead-letters':
      return <a href={linkTo(['dead-letters'])}>Look at them</a>
    case 'store':
    case 'counter':
    case 'index':
      return <a href={linkTo(['state'])}>Look into the state</a>
    case 'sink':
      return <a href={linkTo(['events'])}>Watch events</a>
    case 'handler':
      return null
  }
}
