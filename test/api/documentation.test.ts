/** docs/errors.md and docs/rest.md against what they are of. */
import { expect, test } from 'vitest'
import { httpErrors } from '../../api/rest/errors.ts'
import { type Operation, operations } from '../../api/rest/operations.ts'
import { codeBlocks, read, rows, section } from '../docs/pages.ts'

test('docs/errors.md has every code of HTTP, in their order', () => {
  expect(rows(section(read('docs/errors.md'), 'HTTP'))).toEqual(
    Object.entries(httpErrors).map(([code, { status, title, remedy }]) => [code, String(status), `${title}.`, remedy]),
  )
})

test('docs/rest.md has every operation and no other', () => {
  const page = read('docs/rest.md')
  const named = [...page.matchAll(/^\| `((?:GET|POST|PATCH|DELETE) [^`]+)` \|/gm)].map(([, operation]) => operation)
  const there = Object.values<Operation>(operations).map(({ method, path }) => `${method} /api${path}`)
  expect(named.toSorted()).toEqual(there.toSorted())
  expect(codeBlocks(page).some(({ language }) => language === 'sh')).toBe(true)
})
