/** A log is searched backwards without gaps, and without looking twice. */
import { expect, test } from 'vitest'
import { windowsBackwards } from '../../engine/core/log-windows.ts'

test.each([
  [0, 100, 0, [[0, 100]]],
  [7, 7, 0, []],
  [
    10,
    2_000,
    0,
    [
      [1_744, 2_000],
      [720, 1_744],
      [10, 720],
    ],
  ],
  [
    0,
    2_000,
    1_000,
    [
      [1_000, 2_000],
      [0, 1_000],
    ],
  ],
])('%i to %i, %i at least at first', (start, end, firstOffsets, windows) => {
  expect([...windowsBackwards({ start, end }, firstOffsets)]).toEqual(windows.map(([from, to]) => ({ from, end: to })))
})
