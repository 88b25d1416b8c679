/** Whose a transactional id is, where one application's name begins as another one's. */
import { expect, test } from 'vitest'
import { mayBeOurs, transactionalIdOf } from '../../engine/core/transactional-id.ts'

const UUID = '3f6c1a52-8f0e-4c51-9d8e-0a7f3b1c2d4e'

test.each([
  ['notes', transactionalIdOf('notes', UUID), true],
  ['notes', transactionalIdOf('notes', 'notes-0'), true],
  ['notes', transactionalIdOf('notes-test', UUID), false],
  ['notes', transactionalIdOf('notes-test-2', UUID), false],
  ['notes-test', transactionalIdOf('notes-test', UUID), true],
  ['notes', transactionalIdOf('notesx', UUID), false],
  ['notes-test', transactionalIdOf('notes', UUID), false],
  // Cannot be told from the instance `test-0` of `notes`.
  ['notes', transactionalIdOf('notes-test', '0'), true],
])('%s looks at %s: %s', (application, transactionalId, expected) => {
  expect(mayBeOurs(application, transactionalId)).toBe(expected)
})
