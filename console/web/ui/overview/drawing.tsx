/**
 * The topology as it is declared, with what flows through it now. Owns which part is looked at. Parts are reached by one tab
 * stop and the arrow keys; what the drawing tells is told by a table as well.
 */
import { useMemo, useRef, useState } from 'preact/hooks'
import type { Overview, TopologyView } from '../../../contract.ts'
import { rate } from '../../format.ts'
import { Panel } from '../parts.tsx'
import { Pick } from '../pick.tsx'
import { type Direction, neighbour, pathsOf, type Route, routesOf, widthOf } from './drawing-geometry.ts'
import { DrawnPart } from './drawn-part.tsx'
import { FlowTable } from './flow-table.tsx'
import { NodeDetails } from './node-details.tsx'

/** Room above for the badges of the uppermost parts. */
const MARGIN = 12
/** Below this share of their size, labels cannot be read: then the panel scrolls. */
const SCALE_MIN = 0.82
const USED_WIDTH_MAX = 2.5

export function Drawing({ topology, overview }: { topology: TopologyView; overview: Overview | null }) {
  const [as, show] = useState<'drawing' | 'table'>('drawing')
  return (
    <Panel
      title="Topology"
      class="topology"
      actions={
        <Pick
          label="Topology as"
          value={as}
          pick={show}
          options={[
            { value: 'drawing', label: 'Drawing' },
            { value: 'table', label: 'Table' },
          ]}
        />
      }
    >
      {as === 'table' ? (
        <FlowTable topology={topology} overview={overview} />
      ) : (
        <Picture topology={topology} overview={overview} />
      )}
    </Panel>
  )
}

function Picture({ topology, overview }: { topology: TopologyView; overview: Overview | null }) {
  const { width, height, nodes, edges } = topology.drawing
  const [pointed, point] = useState<string | null>(null)
  const [chosen, choose] = useState<string | null>(null)
  const [stop, setStop] = useState(nodes[0]?.id ?? null)
  const svg = useRef<SVGSVGElement>(null)
  const routes = useMemo(() => routesOf(nodes, edges), [nodes, edges])
  const looked = pointed ?? chosen
  const lit = useMemo(() => (looked === null ? null : pathsOf(looked, edges)), [looked, edges])
  const rates = overview?.rates ?? {}

  const move = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') choose(null)
    const to = stop === null ? null : neighbour(nodes, stop, event.key as Direction)
    if (to === null || !event.key.startsWith('Arrow')) return
    event.preventDefault()
    setStop(to)
    svg.current?.querySelector<SVGGElement>(`[data-part="${CSS.escape(to)}"]`)?.focus()
  }

  return (
    <>
      <div class="picture">
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is no drawing */}
        <svg
          ref={svg}
          role="group"
          aria-label="Drawing of the topology; arrow keys move between its parts"
          viewBox={`0 ${-MARGIN} ${width} ${height + MARGIN}`}
          style={{ minWidth: `${Math.round(width * SCALE_MIN)}px`, aspectRatio: `${width} / ${height + MARGIN}` }}
          class={lit ? 'lighting' : ''}
          onKeyDown={move}
        >
          {routes.map((route) => (
            <Line
              key={route.edge.id}
              route={route}
              perSecond={route.edge.rate === null ? null : (rates[route.edge.rate] ?? 0)}
              lit={lit?.has(route.edge.from) === true && lit.has(route.edge.to)}
            />
          ))}
          <svg aria-hidden="true" overflow="visible">
            {routes.map(({ edge, end, falls }) => {
              const perSecond = edge.rate === null ? 0 : (rates[edge.rate] ?? 0)
              return edge.from.startsWith('source:') && perSecond > 0 ? (
                <text
                  key={edge.id}
                  class={`line-rate ${lit?.has(edge.from) && lit.has(edge.to) ? 'lit' : ''}`}
                  x={end.x - 6}
                  y={end.y + (falls ? 15 : -8)}
                >
                  {rate(perSecond)}
                </text>
              ) : null
            })}
          </svg>
          {nodes.map((node) => (
            <DrawnPart
              key={node.id}
              node={node}
              overview={overview}
              tabStop={node.id === stop}
              chosen={node.id === chosen}
              lit={lit?.has(node.id) === true}
              point={point}
              choose={(id) => {
                setStop(id)
                choose(id)
              }}
            />
          ))}
        </svg>
      </div>
      <NodeDetails node={nodes.find(({ id }) => id === looked) ?? null} topology={topology} overview={overview} />
    </>
  )
}

function Line({ route, perSecond, lit }: { route: Route; perSecond: number | null; lit: boolean }) {
  const { edge, path } = route
  const kind = edge.to === 'dead-letters' ? 'dead' : edge.from.startsWith('source:') ? 'read' : 'used'
  const flows = perSecond !== null && perSecond > 0
  // What handlers use is many lines: the few that feed them should be seen first.
  const width = kind === 'used' ? Math.min(USED_WIDTH_MAX, widthOf(perSecond)) : widthOf(perSecond)
  return (
    <g class={`line ${kind} ${flows ? 'flows' : 'idle'} ${lit ? 'lit' : ''}`}>
      <path d={path} style={{ strokeWidth: width }} />
      {flows && <path class="drift" d={path} style={{ strokeWidth: Math.max(1.5, width * 0.5) }} />}
    </g>
  )
}
