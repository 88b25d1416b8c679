/** Every example runs, and prints what it says at its end. */
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { codeBlocks, read, root } from './pages.ts'

const run = promisify(execFile)
const names = readdirSync(join(root, 'examples')).sort()
const outputOf = (text: string): string | undefined => /\/\* Output:\n([\s\S]*?)\*\/\s*$/.exec(text)?.[1]
const start = (name: string, env: NodeJS.ProcessEnv = {}) =>
  run(process.execPath, [join(root, 'examples', name)], { env: { ...env }, timeout: 60_000 })

test('they are numbered without gaps and say what they show', () => {
  expect(names.length).toBeGreaterThan(2)
  names.forEach((name, i) => {
    expect(name).toMatch(new RegExp(`^${String(i + 1).padStart(2, '0')}-[a-z0-9-]+\\.ts$`))
    expect(read(`examples/${name}`)).toMatch(/^\/\*\*\n \* This example shows how to /)
  })
})

test('what the tutorial shows stands in the example, to the letter', () => {
  const shown = codeBlocks(read('docs/tutorial.md')).filter(({ language }) => language === 'ts')
  expect(shown.length).toBeGreaterThan(4)
  for (const { code } of shown) expect(read('examples/01-counter-per-key.ts')).toContain(code)
})

const printing = names.filter((name) => outputOf(read(`examples/${name}`)) !== undefined)

const needServers = ['03-run-as-a-service.ts', '04-subscribe-to-events.ts']

test('all but those that need servers print something', () => {
  expect(names.filter((name) => !printing.includes(name))).toEqual(needServers)
})

test.each(printing)('%s', { timeout: 60_000 }, async (name) => {
  const { stdout } = await start(name)
  expect(stdout).toBe(outputOf(read(`examples/${name}`)))
})

test.each(needServers)('%s says what it needs', { timeout: 60_000 }, async (name) => {
  await expect(start(name)).rejects.toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('BOOTSTRAP_SERVERS and REDIS_URL must be set'),
  })
})
