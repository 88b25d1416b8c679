import { describe, expect, test } from 'vitest'
import { defineTopology } from '../../topology/define.ts'
import { describe as describeTopology } from '../../topology/describe.ts'
import { sink } from '../../topology/sinks.ts'
import { source } from '../../topology/sources.ts'
import { value } from '../../topology/stores.ts'

const HOSTILE = 'A"]-->x{{`end`}} #35; <b>&%%\n世'
const totals = value<string, number>({ name: 'totals', key: (id) => id })
const out = sink<number>({ name: 'Out', topic: 'out.topic' })

const topology = defineTopology({
  name: 'small',
  context: { read: () => null, write: () => [] },
  sources: [
    source({
      name: 'In',
      topic: 'in.topic',
      decode: () => ({ type: HOSTILE as string }),
      key: () => Buffer.alloc(0),
      on: {
        [HOSTILE]: { uses: [totals, out], reads: () => [totals.read('x')], transform: () => [] },
        silent: { transform: () => [] },
      },
    }),
  ],
  stores: [totals],
  sinks: [out],
  onTransformError: 'stop',
})

describe('a described topology', () => {
  const { json, text, mermaid } = describeTopology(topology)

  test('as data', () => {
    expect(json).toEqual({
      name: 'small',
      onTransformError: 'stop',
      sources: [
        {
          name: 'In',
          topic: 'in.topic',
          handlers: [
            { type: HOSTILE, reads: true, stores: ['totals'], sinks: ['Out'] },
            { type: 'silent', reads: false, stores: null, sinks: null },
          ],
        },
      ],
      stores: [{ name: 'totals', kind: 'value' }],
      counters: [],
      indexes: [],
      sinks: [{ name: 'Out', topic: 'out.topic' }],
    })
    expect(JSON.parse(JSON.stringify(json))).toEqual(json)
  })

  test('as text', () => {
    expect(text).toContain('  Source: In (topic: in.topic)\n')
    expect(text).toContain('  Processor: In.silent (stores: not declared)\n    <-- In\n')
    expect(text).toContain('  Sink: Out (topic: out.topic)\n')
  })

  test('as a drawing in which no name can end its label', () => {
    const lines = mermaid.trimEnd().split('\n')
    expect(lines[0]).toBe('flowchart LR')
    for (const line of lines.slice(1)) {
      expect(line).toMatch(
        /^ {2}(n\d+ (-->|---|-\.->) n\d+|n\d+(\(\["|\["|\[\("|\{\{")[A-Za-z0-9 ._:/#;-]*("\]\)|"\]|"\)\]|"\}\}))$/,
      )
    }
    expect(mermaid).toContain('n1["A#34;#93;--#62;x#123;#123;#96;end#96;#125;#125; #35;35#59;')
    expect(mermaid).toContain('#10;#19990;"]')
  })

  test('every node of an edge is declared', () => {
    const declared = new Set([...mermaid.matchAll(/^ {2}(n\d+)[[({]/gm)].map(([, id]) => id))
    const drawn = [...mermaid.matchAll(/^ {2}(n\d+) [-.>]+ (n\d+)$/gm)].flatMap(([, from, to]) => [from, to])
    expect(drawn.length).toBeGreaterThan(0)
    for (const id of drawn) expect(declared).toContain(id)
  })
})
