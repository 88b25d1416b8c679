/** Every claim has its test, and every canary its claim: neither goes away unnoticed. */
import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { read } from '../structure/files.ts'
import { claims } from './claims.ts'

/** Titles of the tests in a file, from its text. */
const titlesIn = (file: string): readonly string[] =>
  [...read(file).matchAll(/\b(?:test|it)(?:\.[a-zA-Z]+(?:\([^)]*\))?)?\(\s*(['"`])(.+?)\1/g)].map(
    ([, , title]) => title!,
  )

test('ids are numbered without gaps, each once', () => {
  for (const [letter, count] of [
    ['P', 23],
    ['I', 6],
    ['D', 4],
  ] as const) {
    const ids = claims.filter(({ id }) => id.startsWith(letter)).map(({ id }) => id)
    expect(ids).toEqual(Array.from({ length: count }, (_, i) => `${letter}${i + 1}`))
  }
})

test.each(claims.map((claim) => [claim.id, claim.claim, claim] as const))('%s has its test: %s', (id, _, claim) => {
  const title = claim.title ?? `${id}:`
  expect(titlesIn(claim.file).filter((t) => t.startsWith(title))).toHaveLength(1)
})

test('every canary is one of a claim', () => {
  const canaries = readdirSync('test/integration').filter((name) => name.endsWith('canary.test.ts'))
  expect(canaries.length).toBeGreaterThan(2)
  const titles = canaries.flatMap((name) => titlesIn(`test/integration/${name}`))
  const ids = titles.flatMap((title) => /^((?:[PID]\d+(?:, )?)+):/.exec(title)?.[1]?.split(', ') ?? [])
  expect(new Set(ids)).toEqual(new Set(claims.map(({ id }) => id)))
})

test('a title is found however it is written', () => {
  const file = 'test/conformance/claims.test.ts'
  expect(titlesIn(file)).toContain('a title is found however it is written')
})
