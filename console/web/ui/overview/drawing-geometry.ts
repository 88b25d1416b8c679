/** Lines of the drawing, as paths: where they leave and enter, how wide they are, and who is upstream of whom. Pure. */
import type { DrawnEdge, DrawnNode } from '../../../contract.ts'

/** Lines begin and end this far within a part, behind it, for not every shape fills its corners. */
const INSET = 10
/** Between two lines that enter a part at the same side, and how much of its height they may take. */
const PORT_STEP = 8
const PORT_SHARE = 0.6
const WIDTH_IDLE = 1.25
const WIDTH_MAX = 7

export interface Route {
  readonly edge: DrawnEdge
  /** `d` of a path. */
  readonly path: string
  /** Just before the part that it enters. */
  readonly end: Point
  /** It comes from above, so that a label has room below it. */
  readonly falls: boolean
}

interface Point {
  readonly x: number
  readonly y: number
}

export function routesOf(nodes: readonly DrawnNode[], edges: readonly DrawnEdge[]): readonly Route[] {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const known = edges.filter(({ from, to }) => byId.has(from) && byId.has(to))
  const leaving = portsOf(
    known,
    byId,
    ({ from }) => from,
    ({ to }) => to,
  )
  const entering = portsOf(
    known,
    byId,
    ({ to }) => to,
    ({ from }) => from,
  )
  return known.map((edge) => {
    const [from, to] = [byId.get(edge.from)!, byId.get(edge.to)!]
    const start = { x: from.x + from.width / 2 - INSET, y: leaving.get(edge.id)! }
    const end = { x: to.x - to.width / 2 + INSET, y: entering.get(edge.id)! }
    // Three points are one straight step to the next column; more lead around what stands between.
    const between = edge.points.length > 3 ? edge.points.slice(1, -1) : []
    return {
      edge,
      path: pathThrough([start, ...between, end]),
      end: { x: end.x - INSET, y: end.y },
      falls: end.y > start.y,
    }
  })
}

/** Of each edge at its end `at`: the height, so that lines from above enter above. */
function portsOf(
  edges: readonly DrawnEdge[],
  nodes: ReadonlyMap<string, DrawnNode>,
  at: (edge: DrawnEdge) => string,
  other: (edge: DrawnEdge) => string,
): ReadonlyMap<string, number> {
  const ports = new Map<string, number>()
  for (const [id, here] of Map.groupBy(edges, at)) {
    const node = nodes.get(id)!
    const ordered = here.toSorted((a, b) => nodes.get(other(a))!.y - nodes.get(other(b))!.y)
    const step = Math.min(PORT_STEP, (node.height * PORT_SHARE) / Math.max(1, ordered.length - 1))
    ordered.forEach((edge, index) => {
      ports.set(edge.id, round(node.y + (index - (ordered.length - 1) / 2) * step))
    })
  }
  return ports
}

/** Level at each point. */
function pathThrough([first, ...rest]: readonly Point[]): string {
  let path = `M${round(first!.x)} ${first!.y}`
  let last = first!
  for (const point of rest) {
    const reach = Math.max(24, (point.x - last.x) / 2)
    path += `C${round(last.x + reach)} ${last.y} ${round(point.x - reach)} ${point.y} ${round(point.x)} ${point.y}`
    last = point
  }
  return path
}

/** px of a line that carries so much; ten times more is a constant wider. */
export const widthOf = (perSecond: number | null): number =>
  perSecond === null || perSecond <= 0
    ? WIDTH_IDLE
    : round(Math.min(WIDTH_MAX, WIDTH_IDLE + 0.4 + 1.2 * Math.log10(1 + perSecond)))

/** The part, all that leads to it and all that it leads to. */
export function pathsOf(id: string, edges: readonly DrawnEdge[]): ReadonlySet<string> {
  const found = new Set([id])
  const walk = (from: string, next: (edge: DrawnEdge, at: string) => string | null): void => {
    for (const edge of edges) {
      const to = next(edge, from)
      if (to === null || found.has(to)) continue
      found.add(to)
      walk(to, next)
    }
  }
  walk(id, ({ from, to }, at) => (from === at ? to : null))
  walk(id, ({ from, to }, at) => (to === at ? from : null))
  return found
}

export type Direction = 'ArrowUp' | 'ArrowDown' | 'ArrowLeft' | 'ArrowRight'

/** Where an arrow key leads: within the column, or to the nearest part of the next one. Null: there is none. */
export function neighbour(nodes: readonly DrawnNode[], id: string, direction: Direction): string | null {
  const here = nodes.find((node) => node.id === id)
  if (!here) return null
  const vertical = direction === 'ArrowUp' || direction === 'ArrowDown'
  const sign = direction === 'ArrowDown' || direction === 'ArrowRight' ? 1 : -1
  const candidates = nodes.filter((node) =>
    vertical ? node.x === here.x && sign * (node.y - here.y) > 0 : sign * (node.x - here.x) > 0,
  )
  const far = ({ x, y }: DrawnNode): number =>
    // The next column first, whatever the height.
    vertical ? Math.abs(y - here.y) : Math.abs(x - here.x) * 1e4 + Math.abs(y - here.y)
  return candidates.toSorted((a, b) => far(a) - far(b))[0]?.id ?? null
}

const round = (value: number): number => Math.round(value * 10) / 10
