import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ENTRY_OVERHEAD_BYTES, EntryCache } from '../../stores/core/memory-cache.ts'

/** Cost of an entry with a name of one character. */
const cost = (json: string | null) => ENTRY_OVERHEAD_BYTES + 1 + (json?.length ?? 0)

describe('the entry cache', () => {
  it('tells value, known absence and nothing known apart', () => {
    const cache = new EntryCache(10_000)
    cache.set('a', '1')
    cache.set('b', null)
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual(['1', null, undefined])
    cache.delete('b')
    cache.delete('c')
    expect(cache.get('b')).toBeUndefined()
    cache.clear()
    expect([cache.get('a'), cache.sizeBytes, cache.size]).toEqual([undefined, 0, 0])
  })

  it('drops what was not used for longest', () => {
    const cache = new EntryCache(3 * cost('x'))
    for (const name of ['a', 'b', 'c']) cache.set(name, 'x')
    cache.get('a')
    cache.set('b', 'y')
    cache.set('d', 'x')
    expect(['a', 'b', 'c', 'd'].map((name) => cache.get(name))).toEqual(['x', 'y', undefined, 'x'])
  })

  it('does not keep an entry above the limit, and shrinks with it', () => {
    const cache = new EntryCache(2 * cost('x'))
    cache.set('a', 'x'.repeat(1_000))
    expect([cache.get('a'), cache.sizeBytes]).toEqual([undefined, 0])
    cache.set('a', 'x')
    cache.set('b', 'x')
    cache.limitBytes = cost('x')
    expect([cache.get('a'), cache.get('b'), cache.sizeBytes]).toEqual([undefined, 'x', cost('x')])
    cache.limitBytes = 0
    expect(cache.size).toBe(0)
  })

  it('behaves like a list of the last used entries', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('set' as const),
        name,
        json: fc.option(fc.constantFrom('', 'xxx', 'x'.repeat(50))),
      }),
      fc.record({ kind: fc.constant('get' as const), name }),
      fc.record({ kind: fc.constant('delete' as const), name }),
      fc.record({ kind: fc.constant('clear' as const), name }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 0, max: 700 }), (steps, limit) => {
        const cache = new EntryCache(limit)
        let model: [string, string | null][] = []
        const size = () => model.reduce((sum, [, json]) => sum + cost(json), 0)
        for (const one of steps) {
          const at = model.findIndex(([key]) => key === one.name)
          const found = at < 0 ? undefined : model[at]
          if (one.kind === 'get') {
            expect(cache.get(one.name)).toBe(found === undefined ? undefined : found[1])
            if (found !== undefined) model.push(...model.splice(at, 1))
          } else if (one.kind === 'clear') {
            cache.clear()
            model = []
          } else {
            if (at >= 0) model.splice(at, 1)
            if (one.kind === 'delete') cache.delete(one.name)
            if (one.kind === 'set') {
              cache.set(one.name, one.json)
              model.push([one.name, one.json])
              while (size() > limit) model.shift()
            }
          }
          expect([cache.size, cache.sizeBytes]).toEqual([model.length, size()])
        }
      }),
    )
  })
})
