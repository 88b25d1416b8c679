/** Where the parts of a topology stand: all of them, none on another, from left to right, the same each time. */
import { expect, describe as group, test } from 'vitest'
import type { DrawnNode } from '../../console/contract.ts'
import { draw, rateOf } from '../../console/drawing.ts'
import { describe } from '../../topology/describe.ts'
import { noteTopology } from '../../topology/notes/topology.ts'

const described = describe(noteTopology).json
const topics = { COMMAND_TOPIC_NOTE: 'note-commands' }
const drawing = draw(described, topics, 'app-dead-letters')
const byId = new Map(drawing.nodes.map((node) => [node.id, node]))

const left = ({ x, width }: DrawnNode): number => x - width / 2
const right = ({ x, width }: DrawnNode): number => x + width / 2
const top = ({ y, height }: DrawnNode): number => y - height / 2
const bottom = ({ y, height }: DrawnNode): number => y + height / 2

/** Within rounding. */
function isOnBorder(node: DrawnNode, { x, y }: { x: number; y: number }): boolean {
  const [across, along] = [Math.abs(x - node.x) - node.width / 2, Math.abs(y - node.y) - node.height / 2]
  return Math.max(across, along) <= 0.2 && Math.max(across, along) >= -0.2
}

group('the drawing', () => {
  test('has every part once, topics by their real names', () => {
    const ids = drawing.nodes.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { topic, handlers } of described.sources) {
      expect(byId.get(`source:${topic}`)).toMatchObject({
        kind: 'source',
        topic: topic in topics ? 'note-commands' : topic,
      })
      for (const { type } of handlers)
        expect(byId.get(`handler:${topic}:${type}`)).toMatchObject({ kind: 'handler', label: type, topic: null })
    }
    for (const { name } of described.stores) expect(byId.has(`store:${name}`)).toBe(true)
    for (const { name } of described.indexes) expect(byId.has(`index:${name}`)).toBe(true)
    for (const { topic } of described.sinks) expect(byId.get(`sink:${topic}`)).toMatchObject({ topic })
    // Counters that keep a store's books are drawn with it.
    for (const { name, of } of described.counters) expect(byId.has(`counter:${name}`)).toBe(of === null)
    expect(byId.get('dead-letters')).toMatchObject({ kind: 'dead-letters', topic: 'app-dead-letters' })
  })

  test('puts no part on another, and all within its size', () => {
    drawing.nodes.forEach((a, at) => {
      expect(Math.min(left(a), top(a))).toBeGreaterThanOrEqual(0)
      expect(right(a)).toBeLessThanOrEqual(drawing.width)
      expect(bottom(a)).toBeLessThanOrEqual(drawing.height)
      for (const b of drawing.nodes.slice(at + 1)) {
        const apart = right(a) <= left(b) || right(b) <= left(a) || bottom(a) <= top(b) || bottom(b) <= top(a)
        expect(apart, `${a.id} and ${b.id}`).toBe(true)
      }
    })
  })

  test('goes from left to right, each line from its part to its part', () => {
    expect(new Set(drawing.edges.map(({ id }) => id)).size).toBe(drawing.edges.length)
    for (const { id, from, to, points } of drawing.edges) {
      const [a, b] = [byId.get(from), byId.get(to)]
      expect(a && b, id).toBeTruthy()
      expect(right(a!), id).toBeLessThanOrEqual(left(b!))
      expect(points.length, id).toBeGreaterThanOrEqual(2)
      expect(isOnBorder(a!, points[0]!), id).toBe(true)
      expect(isOnBorder(b!, points.at(-1)!), id).toBe(true)
    }
    for (const { id, kind } of drawing.nodes)
      if (kind !== 'source')
        expect(
          drawing.edges.some(({ to }) => to === id),
          id,
        ).toBe(true)
  })

  test('says what flows along a line', () => {
    const rates = new Set(drawing.edges.map(({ rate }) => rate))
    for (const { topic, handlers } of described.sources) {
      expect(rates).toContain(rateOf.buried(topic))
      for (const { type } of handlers) expect(rates).toContain(rateOf.read(topic, type))
    }
  })

  test('is the same each time', () => {
    expect(draw(describe(noteTopology).json, topics, 'app-dead-letters')).toEqual(drawing)
  })
})
