/** What is waited for must not end late, or at once, because somebody has set the clock: only these ask for the time of day. */
import { expect, test } from 'vitest'
import { codeOf, programFiles, read } from './files.ts'

/** What is compared with the times of others, or told to people. */
const TIME_OF_DAY = [
  'engine/clock.ts',
  // Age of a checkpoint, and since when a batch is committed.
  'engine/housekeeping.ts',
  'engine/pipeline.ts',
  'engine/restorer.ts',
  'engine/takeover-driver.ts',
]

test('engine and subscribe measure how long something takes by what has passed', () => {
  const asking = programFiles.filter(
    (file) => /^(engine\/[^/]+|subscribe\/.*)$/.test(file) && /\bnowMs\(\)|\bDate\.now\b/.test(codeOf(read(file))),
  )
  expect(asking.sort()).toEqual(TIME_OF_DAY.sort())
})
