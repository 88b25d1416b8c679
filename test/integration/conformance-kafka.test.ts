/** The model of Kafka answers as Kafka does: every script of test/conformance on both, line by line. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accepted } from '../conformance/accepted.ts'
import { scripts } from '../conformance/scripts/all.ts'
import { windows } from '../conformance/scripts/produce.ts'
import { brokerStage, modelStage, type Stage } from '../conformance/stage.ts'
import { conversation, differences, Talk } from '../conformance/talk.ts'
import { testBootstrap } from '../support/stack.ts'
import { unique } from './kafka-support.ts'

let broker: Stage
beforeAll(() => {
  broker = brokerStage(testBootstrap())
})
afterAll(() => broker.close())

test.each(scripts.map((script) => [script.name, script] as const))('%s', async (name, script) => {
  const own = unique('conf')
  const model = new Talk(modelStage())
  const real = new Talk(broker)
  await script.play(real, own)
  await script.play(model, own)
  expect(real.lines.length).toBeGreaterThan(1)
  const found = differences(real.lines, model.lines)
  if (process.env['CONFORMANCE_LOG']) process.stderr.write(conversation(name, real.lines, model.lines))
  const known = accepted.filter((difference) => difference.script === name)
  // Also one that has gone must be taken off the list.
  expect(found).toEqual(known.map(({ step, broker, model }) => ({ step, broker, model })))
})

test(windows.name, async () => {
  const own = unique('conf-window')
  const model = new Talk(modelStage({ markerDelayMs: () => 5 }))
  const real = new Talk(broker)
  await windows.play(real, own)
  await windows.play(model, own)
  expect(differences(real.lines, model.lines)).toEqual([])
  // Else nothing was shown.
  expect(model.concurrent).toBeGreaterThan(0)
  expect(real.concurrent).toBeGreaterThan(0)
})

test('every accepted difference is one of a script that exists, and has its reason', () => {
  for (const { script, reason } of accepted) {
    expect(scripts.map(({ name }) => name)).toContain(script)
    expect(reason.length).toBeGreaterThan(20)
  }
})
