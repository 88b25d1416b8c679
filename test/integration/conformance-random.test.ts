/**
 * The model of Kafka answers as Kafka does, also to what nobody thought of: random steps on both, line by line. The seed is
 * in the name of each test; CONFORMANCE_SEED begins elsewhere, CONFORMANCE_RUNS makes them more.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Due, randomGroup, randomTransactions } from '../conformance/random-steps.ts'
import { brokerStage, modelStage, type Stage } from '../conformance/stage.ts'
import { conversation, differences, Talk } from '../conformance/talk.ts'
import { testBootstrap } from '../support/stack.ts'
import { unique } from './kafka-support.ts'

const first = Number(process.env['CONFORMANCE_SEED'] ?? Date.now() % 1_000_000)
const runs = Number(process.env['CONFORMANCE_RUNS'] ?? 4)
const STEPS = 60
const seeds = Array.from({ length: runs }, (_, i) => first + i)

let broker: Stage
beforeAll(() => {
  broker = brokerStage(testBootstrap())
})
afterAll(() => broker.close())

test.each(seeds)('transactions, offsets and fetches of seed %i', async (seed) => {
  const script = randomTransactions(seed, STEPS)
  const own = unique('conf-tx')
  const [model, real] = [new Talk(modelStage()), new Talk(broker)]
  await script.play(real, own)
  await script.play(model, own)
  const found = differences(real.lines, model.lines)
  expect(found, conversation(script.name, real.lines, model.lines)).toEqual([])
})

test.each(seeds)('a group of seed %i', async (seed) => {
  const own = unique('conf-group')
  const due: Due[] = []
  const [model, real] = [new Talk(modelStage()), new Talk(broker)]
  await randomGroup(seed, STEPS, due).play(model, own)
  await randomGroup(seed, STEPS, due).play(real, own)
  const found = differences(real.lines, model.lines)
  expect(found, conversation(seed.toString(), real.lines, model.lines)).toEqual([])
})
