/** The background audit against a real Redis: what somebody wrote there by hand is found, counted and mended. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { partitionFor } from '../../engine/core/murmur2.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { CliWorld, create, eventually, TASKS, TENANT_A } from './cli-support.ts'

const CHARACTER = 7
const OWNER = `${TENANT_A}:${CHARACTER}`
const task = partitionFor(characterKey(CHARACTER), TASKS)
let world: CliWorld

beforeAll(async () => {
  world = await CliWorld.open({ AUDIT_INTERVAL_MS: '200' })
  await world.start()
  await world.send(Array.from({ length: 40 }, (_, at) => create((at % 10) + 1, 50, `note ${at}`)))
  await world.settled()
})

afterAll(() => world.close())

async function metrics(): Promise<ReadonlyMap<string, number>> {
  const url = new URL('/metrics', world.service!.restUrl)
  const text = await (await fetch(url)).text()
  const lines = [...text.matchAll(/^(topology_(?:audit|task_mends|warnings)\w+)\{([^}]*)\} (\d+)$/gm)]
  return new Map(
    lines.map(([, name, labels, value]) => [
      `${name} ${labels?.replace(/,?application="[^"]*"/, '')}`.trim(),
      Number(value),
    ]),
  )
}

const notesKey = async (): Promise<string> => {
  const checkpoint = await world.redis.hget(`{${world.application}:${task}}:task`, 'checkpoint')
  return `{${world.application}:${task}}:${JSON.parse(checkpoint!).stateVersion}:notes:${OWNER}`
}

test('at rest it compares, and finds nothing', async () => {
  await eventually(
    'entries are compared',
    async () => ((await metrics()).get('topology_audit_entries_total') ?? 0) > 80,
  )
  const told = await metrics()
  expect(told.get('topology_audit_passes_total result="differed"')).toBe(0)
  expect(told.get('topology_task_mends_total reason="audit.difference"')).toBe(0)
})

test('a value written by hand: found, counted, mended, and verify says 0', async () => {
  const key = await notesKey()
  const [field, json] = Object.entries(await world.redis.hgetall(key))[0]!
  await world.redis.hset(key, field, '{"edited":"by hand"}')
  // Of this task alone: the audit mends it a second later.
  expect((await world.cli('verify', '--task', String(task))).exit).toBe(1)
  await eventually(
    'it is mended',
    async () => ((await metrics()).get('topology_task_mends_total reason="audit.difference"') ?? 0) > 0,
  )
  await eventually('the task runs again', async () => world.service!.health.readiness().ready)
  const told = await metrics()
  expect(told.get('topology_audit_differences_total kind="value"')).toBe(1)
  expect(told.get('topology_audit_passes_total result="differed"')).toBe(1)
  expect(told.get('topology_warnings_total code="audit.difference"')).toBe(1)
  expect(await world.redis.hget(await notesKey(), field)).toBe(json)
  expect((await world.cli('verify')).exit).toBe(0)
})

test('a note deleted by hand, while the service works', async () => {
  let sending = true
  const busy = (async () => {
    while (sending) {
      await world.send(Array.from({ length: 20 }, (_, at) => create(100 + at, 50, 'busy')))
      await sleep(20)
    }
  })()
  try {
    const before = (await metrics()).get('topology_task_mends_total reason="audit.difference"') ?? 0
    const key = await notesKey()
    const [field] = Object.keys(await world.redis.hgetall(key))
    await world.redis.hdel(key, field!)
    await eventually(
      'it is mended',
      async () => ((await metrics()).get('topology_task_mends_total reason="audit.difference"') ?? 0) > before,
    )
  } finally {
    sending = false
    await busy
  }
  await world.settled()
  expect((await metrics()).get('topology_audit_differences_total kind="missing"')).toBe(1)
  expect((await world.cli('verify')).exit).toBe(0)
})
