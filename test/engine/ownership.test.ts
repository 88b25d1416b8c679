/** Which tasks are kept, lost and gained when an assignment arrives: kept only if nobody else can have had them. */
import { describe, expect, test } from 'vitest'
import { changeOwnership, type Ownership } from '../../engine/core/ownership.ts'

const of = (memberId: string, generation: number, tasks: readonly number[]): Ownership => ({
  membership: { memberId, generation, instanceId: null },
  tasks: new Set(tasks),
  transactionalIds: new Set(),
})

describe('an assignment', () => {
  test('the first: everything is gained', () => {
    const next = of('m', 1, [0, 1])
    expect(changeOwnership(null, next)).toEqual({ ownership: next, kept: [], lost: [], gained: [0, 1] })
  })

  test('the next generation of the same member keeps what is in both', () => {
    expect(changeOwnership(of('m', 4, [0, 1, 2]), of('m', 5, [1, 2, 3]))).toMatchObject({
      kept: [1, 2],
      lost: [0],
      gained: [3],
    })
  })

  test.each([
    ['a generation was missed', of('m', 6, [0, 1])],
    ['the generation is the same again', of('m', 4, [0, 1])],
    ['the generation is an earlier one', of('m', 3, [0, 1])],
    ['the member id is another', of('n', 5, [0, 1])],
  ])('%s: what is still ours is lost and gained anew', (_, next) => {
    expect(changeOwnership(of('m', 4, [0, 1]), next)).toMatchObject({ kept: [], lost: [0, 1], gained: [0, 1] })
  })

  test('an empty one: everything is lost', () => {
    expect(changeOwnership(of('m', 4, [0, 1]), of('m', 5, []))).toMatchObject({ kept: [], lost: [0, 1], gained: [] })
  })
})
