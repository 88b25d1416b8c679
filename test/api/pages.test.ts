/** Lists: order, pages, links, and that a deep page reads no more than a first one. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { searchRank } from '../../api/rest/rank-search.ts'
import type { StateReader } from '../../stores/ports.ts'
import { codesOf, RestWorld, withMethods } from './rest-world.ts'

const page = (number: number, size: number): string => `page%5Bnumber%5D=${number}&page%5Bsize%5D=${size}`
const idsOf = (reply: { json: any }): number[] => reply.json.data.map((note: any) => Number(note.id))

describe('GET /api/notes', () => {
  test('shows the notes of all partitions in order of id, page by page', async () => {
    const rest = await RestWorld.start()
    const ids: number[] = []
    for (let character = 1; character <= 12; character++) ids.push(...(await rest.given(character, character % 4)))
    ids.sort((a, b) => a - b)
    expect(new Set(ids.map((id) => (id - 1) % 4)).size).toBe(4)
    for (const size of [1, 2, 5, 7, 50]) {
      const seen: number[] = []
      for (let number = 1; number <= Math.ceil(ids.length / size); number++) {
        const reply = await rest.send('GET', `/api/notes?${page(number, size)}`)
        expect(reply.json.meta).toEqual({
          page: { last: Math.ceil(ids.length / size), number, size },
          total: ids.length,
        })
        seen.push(...idsOf(reply))
      }
      expect(seen).toEqual(ids)
    }
    const list = await rest.send('GET', '/api/notes')
    expect(idsOf(list)).toEqual(ids)
    expect(list.headers['tributary-freshness']).toMatch(/^p0=-?\d+;age=\d+;lag=0, p1=.*, p2=.*, p3=/)
    const missing = await rest.send('GET', '/api/notes/4000')
    expect([missing.status, missing.headers['vary']]).toEqual([404, 'accept'])
    expect(missing.headers['tributary-freshness']).toMatch(/^p\d=-?\d+;age=\d+;lag=0$/)
  })

  test('has the links of its page, and an empty page behind the last', async () => {
    const rest = await RestWorld.start()
    await rest.given(7, 5)
    const links = async (number: number) => {
      const { status, json } = await rest.send('GET', `/api/notes?${page(number, 2)}`)
      expect(status).toBe(200)
      return { ...json.links, count: json.data.length }
    }
    const to = (number: number): string => `/api/notes?${page(number, 2)}`
    const ends = { first: to(1), last: to(3) }
    expect(await links(1)).toEqual({ ...ends, self: to(1), next: to(2), count: 2 })
    expect(await links(2)).toEqual({ ...ends, self: to(2), prev: to(1), next: to(3), count: 2 })
    expect(await links(3)).toEqual({ ...ends, self: to(3), prev: to(2), count: 1 })
    expect(await links(4)).toEqual({ ...ends, self: to(4), prev: to(3), count: 0 })
    expect(await links(4_294_967_295)).toEqual({ ...ends, self: to(4_294_967_295), prev: to(3), count: 0 })
  })

  test.each([
    'page[size]=0',
    'page[size]=-1',
    'page[size]=251',
    'page[size]=x',
    'page[size]=1.5',
    'page[size]=',
    'page[size]',
    'page[size]=01',
    'page[size]=1&page[size]=2',
    'page[size]=99999999999999999999',
    'page[number]=0',
    'page[number]=-1',
    'page[number]=x',
    'page[number]=4294967296',
    'page[other]=1',
    'page=1',
    'limit=5',
    'limit=',
    'limit',
    'sort=id',
    'include=x',
    '__proto__=1',
    'constructor=1',
  ])('refuses ?%s', async (query) => {
    const rest = await RestWorld.start()
    for (const path of ['/api/notes', '/api/characters/7/notes']) {
      const reply = await rest.send('GET', `${path}?${query}`)
      expect([reply.status, reply.json.errors[0].source.parameter]).toEqual([400, query.split('=')[0]])
      expect(codesOf(reply)[0]).toMatch(/^(page\.invalid|query\.unknown)$/)
    }
  })

  test('asks the store for no note that it does not show, however deep the page is', async () => {
    const counts = { entries: 0, members: 0, rounds: 0 }
    const counting = (real: StateReader): StateReader =>
      withMethods<StateReader>(real, {
        entries(task, requests) {
          counts.entries += requests.length
          return real.entries(task, requests)
        },
        async membersFrom(...args) {
          const found = await real.membersFrom(...args)
          counts.members += found.answer.length
          return found
        },
        countBelow(...args) {
          counts.rounds++
          return real.countBelow(...args)
        },
      })
    const rest = await RestWorld.start({ reader: counting })
    const ids: number[] = []
    for (let batch = 0; batch < 10; batch++) {
      const all = Array.from({ length: 100 }, (_, n) =>
        rest.begin('POST', '/api/notes', {
          body: { data: { type: 'notes', attributes: { characterId: 1 + ((n * 7) % 30), senderId: 9, message: 'x' } } },
        }),
      )
      ids.push(...(await rest.finish(Promise.all(all))).map(({ json }) => Number(json.data.id)))
    }
    ids.sort((a, b) => a - b)
    for (const number of [1, 40, 77, 100]) {
      Object.assign(counts, { entries: 0, members: 0, rounds: 0 })
      const reply = await rest.send('GET', `/api/notes?${page(number, 10)}`)
      expect(idsOf(reply)).toEqual(ids.slice((number - 1) * 10, number * 10))
      expect(counts.entries).toBe(10)
      expect(counts.members).toBeLessThanOrEqual(4 * (10 + 64))
      expect(counts.rounds).toBeLessThanOrEqual(4 * 12)
    }
  }, 60_000)
})

describe('the search for a rank', () => {
  test('finds a place close before it, in few rounds', async () => {
    const scores = fc.uniqueArray(fc.integer({ min: 1, max: 0xffff_ffff }), { minLength: 1, maxLength: 400 })
    await fc.assert(
      fc.asyncProperty(scores, fc.nat(), fc.integer({ min: 1, max: 20 }), async (unsorted, at, slack) => {
        const sorted = unsorted.toSorted((a, b) => a - b)
        const rank = at % sorted.length
        let rounds = 0
        const place = await searchRank(rank, sorted.length, sorted.at(-1)!, slack, async (score) => {
          rounds++
          return sorted.filter((one) => one < score).length
        })
        expect(place.below).toBe(sorted.filter((one) => one < place.score).length)
        expect(place.below).toBeLessThanOrEqual(rank)
        expect(rank - place.below).toBeLessThanOrEqual(slack)
        expect(rounds).toBeLessThanOrEqual(99)
      }),
    )
  })

  test.each([1_000, 1_000_000])('takes a handful of rounds among %i even scores', async (total) => {
    let rounds = 0
    for (const share of [0.001, 0.3, 0.777, 0.999]) {
      const rank = Math.floor(total * share)
      await searchRank(rank, total, total * 16, 64, async (score) => {
        rounds++
        return Math.min(total, Math.ceil(score / 16))
      })
    }
    expect(rounds).toBeLessThanOrEqual(4 * 4)
  })

  test('ends when what it counts changes under it', async () => {
    let calls = 0
    await searchRank(500, 1_000, 100_000, 1, async () => (calls++ % 2 === 0 ? 0 : 1_000))
    expect(calls).toBeLessThanOrEqual(99)
  })
})
