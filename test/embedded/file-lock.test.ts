import { existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { processAlive, takeLock } from '../../scripts/file-lock.mjs'
import { folder, run, runModule, until } from './support.ts'

test('one holder at a time; release lets the next one in and leaves another holder alone', async () => {
  const path = join(folder(), 'lock')
  const first = await takeLock(path, { waitMs: 0 })
  expect(await takeLock(path, { waitMs: 0 })).toEqual({ release: undefined, holder: `${process.pid} ${hostname()}` })
  let waited = ''
  const second = takeLock(path, {
    waitMs: 10_000,
    onWait: (holder) => {
      waited = holder
      first.release?.()
    },
  })
  const { release } = await second
  expect(waited).toContain(`${process.pid}`)
  writeFileSync(path, 'someone else\n')
  release?.()
  expect(readFileSync(path, 'utf8')).toBe('someone else\n')
})

test('a lock of a dead process is cleared at once, one of another host when it is old', async () => {
  const path = join(folder(), 'lock')
  const dead = run(['-e', ''])
  await dead.exit
  writeFileSync(path, `${dead.pid} ${hostname()}\n`)
  const taken = await takeLock(path, { waitMs: 0 })
  expect(taken.release).toBeDefined()
  taken.release?.()

  writeFileSync(path, '1 another-host\n')
  expect((await takeLock(path, { waitMs: 0 })).holder).toBe('1 another-host')
  utimesSync(path, new Date(0), new Date(0))
  const late = await takeLock(path, { waitMs: 0 })
  expect(late.release).toBeDefined()
  late.release?.()
  expect(existsSync(path)).toBe(false)
})

test('several processes that find a stale lock enter one after the other', async () => {
  const dir = folder()
  const path = join(dir, 'lock')
  writeFileSync(path, `999999999 ${hostname()}\n`)
  // Each appends "in" and "out"; were two inside together, two "in" would follow each other.
  const code = `
import { takeLock } from './scripts/file-lock.mjs'
import { appendFileSync } from 'node:fs'
for (let i = 0; i < 5; i += 1) {
  const { release } = await takeLock(${JSON.stringify(path)}, { waitMs: 20_000 })
  appendFileSync(${JSON.stringify(join(dir, 'trace'))}, 'in\\n')
  await new Promise((resolve) => setTimeout(resolve, 5))
  appendFileSync(${JSON.stringify(join(dir, 'trace'))}, 'out\\n')
  release()
}`
  const programs = [1, 2, 3].map(() => runModule(code))
  expect(await Promise.all(programs.map(({ exit }) => exit))).toEqual([0, 0, 0])
  expect(readFileSync(join(dir, 'trace'), 'utf8')).toBe('in\nout\n'.repeat(15))
})

test('processAlive', async () => {
  expect(processAlive(process.pid)).toBe(true)
  expect(processAlive(1)).toBe(true)
  for (const pid of [0, -1, 1.5, Number.NaN]) expect(processAlive(pid)).toBe(false)
  const child = run(['-e', ''])
  await child.exit
  await until('the child is gone', () => !processAlive(child.pid))
})
