/** Which partitions a task has, and how many ids it shares the numbers with. */
import { describe, expect, test } from 'vitest'
import { internalTopics, partitionsOf, readTopics, strideOf } from '../../engine/core/plan.ts'
import { idle, planOf, topologyOf } from './support.ts'

describe('the partitions of a task', () => {
  const topology = topologyOf(idle, { second: true })
  const plan = planOf(topology, {
    tasks: 4,
    sources: topology.sources.map((source, i) => ({
      source,
      topic: source.topic,
      topicId: 'x',
      partitions: i === 0 ? 10 : 3,
    })),
  })

  test('are those of every source with i mod tasks = task, and its repartition partition, last', () => {
    expect(partitionsOf(plan, 1).map((p) => `${p.topic}-${p.partition}`)).toEqual([
      'IN-1',
      'IN-5',
      'IN-9',
      'IN2-1',
      'app-repartition-1',
    ])
    expect(partitionsOf(plan, 3).map((p) => `${p.topic}-${p.partition}`)).toEqual(['IN-3', 'IN-7', 'app-repartition-3'])
  })

  test('cover every partition once over all tasks', () => {
    const all = [0, 1, 2, 3].flatMap((task) => partitionsOf(plan, task)).map((p) => `${p.topic}-${p.partition}`)
    expect(new Set(all).size).toBe(all.length)
    expect(all).toHaveLength(10 + 3 + 4)
  })

  test('are of topics that the group subscribes to', () => {
    expect(readTopics(plan)).toEqual(['IN', 'IN2', 'app-repartition'])
  })
})

test.each([
  [1, 1],
  [2, 2],
  [3, 4],
  [4, 4],
  [5, 8],
  [64, 64],
  [65, 128],
])('the stride of %i tasks is %i', (tasks, stride) => {
  expect(strideOf(tasks)).toBe(stride)
})

test('internal topics begin with the application’s name', () => {
  expect(internalTopics('notes')).toEqual({
    changelog: 'notes-changelog',
    repartition: 'notes-repartition',
    deadLetters: 'notes-dead-letters',
  })
})
