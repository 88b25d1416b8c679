/** The page of faults keeps what was not played again. */
import { expect, test } from 'vitest'
import { mergedTable } from './run/verdict.ts'

const HEAD = '| group | fault | outcome |\n|---|---|---|'

test('rows that were played again take their places, new ones come last', () => {
  const page = `played.\n\n${HEAD}\n| crash | kill | as expected |\n| redis | busy | **wrong** |\n| input | bad | as expected |\n`
  const again = `${HEAD}\n| redis | busy | as expected |\n| redis | slow | as expected |`
  expect(mergedTable(page, again)).toBe(
    `${HEAD}\n| crash | kill | as expected |\n| redis | busy | as expected |\n| input | bad | as expected |\n| redis | slow | as expected |`,
  )
})
