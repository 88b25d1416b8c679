/** How each kind of part is drawn: an outline and a sign of its own, so that colour is not needed to tell them apart. */
import type { NodeKind } from '../../../contract.ts'

const CORNER = 10
const LID = 5

/** `d` of the outline, centred. */
export function outlineOf(kind: NodeKind, width: number, height: number): string {
  const [x, y] = [width / 2, height / 2]
  switch (kind) {
    case 'source':
      return `M${-x} ${-y}H${x - CORNER}L${x} 0L${x - CORNER} ${y}H${-x}Z`
    case 'sink':
      return `M${-x} ${-y}H${x - CORNER}L${x} 0L${x - CORNER} ${y}H${-x}L${CORNER - x} 0Z`
    case 'store':
      return `M${-x} ${LID - y}A${x} ${LID} 0 0 1 ${x} ${LID - y}V${y - LID}A${x} ${LID} 0 0 1 ${-x} ${y - LID}ZM${-x} ${LID - y}A${x} ${LID} 0 0 0 ${x} ${LID - y}`
    case 'counter':
      return `M${y - x} ${-y}H${x - y}A${y} ${y} 0 0 1 ${x - y} ${y}H${y - x}A${y} ${y} 0 0 1 ${y - x} ${-y}Z`
    case 'index':
      return `M${-x} ${-y}H${x - CORNER}L${x} ${CORNER - y}V${y}H${-x}Z`
    case 'dead-letters':
      return `M${CORNER - x} ${-y}H${x - CORNER}L${x} ${CORNER - y}V${y - CORNER}L${x - CORNER} ${y}H${CORNER - x}L${-x} ${y - CORNER}V${CORNER - y}Z`
    case 'handler':
      return `M${8 - x} ${-y}H${x - 8}a8 8 0 0 1 8 8V${y - 8}a8 8 0 0 1 -8 8H${8 - x}a8 8 0 0 1 -8 -8V${8 - y}a8 8 0 0 1 8 -8Z`
  }
}

/** `d` of the sign, about 12 px, centred. */
export const SIGNS: Readonly<Record<NodeKind, string>> = {
  source: 'M-6-4h12M-6 0h12M-6 4h7',
  handler: 'M-5-4l4 4-4 4M1 4h5',
  store: 'M-5-3.5a5 2 0 0 0 10 0a5 2 0 0 0-10 0v7a5 2 0 0 0 10 0v-7',
  counter: 'M-1.5-5l-1.5 10M3.5-5l-1.5 10M-5.5-2h11M-6 2h11',
  index: 'M-5.5-1.5a4 4 0 1 0 8 0a4 4 0 1 0-8 0M1.5 1.5l4 4',
  sink: 'M-6 0h11M1-4l4 4-4 4',
  'dead-letters': 'M-6-4h12v8h-12zM-6-4l6 5 6-5',
}
