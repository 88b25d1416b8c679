/** `npm run demo` as people run it, on the tests' servers: it counts right, and leaves no process behind. */
import { expect, test } from 'vitest'
import { gone, type Program, run, until } from '../embedded/support.ts'
import { testBootstrap } from '../support/stack.ts'

const RUN_MS = 90_000

const demo = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Program =>
  run(['demo/main.ts', ...args], {
    BOOTSTRAP_SERVERS: testBootstrap(),
    REDIS_URL: process.env.TEST_REDIS_URL ?? 'redis://127.0.0.1:16379',
    ...env,
  })

/** Process id of the service, once it runs. */
async function service(program: Program): Promise<number> {
  const pid = () => /the service runs \(process (\d+)\)/.exec(program.stdout)?.[1]
  await until('the service runs', () => pid() !== undefined, RUN_MS)
  return Number(pid())
}

test(
  'killed twice in the middle, and the count is right',
  async () => {
    const program = demo(['--notes', '240', '--seed', '42', '--kills', '2'])
    expect(await program.exit, program.stdout + program.stderr).toBe(0)
    const { stdout } = program
    expect(stdout).toMatch(/^A day of 240 notes among 48 characters \(seed 42\)$/m)
    expect(stdout.match(/^✗ kill -9 of process \d+: \d+ events seen, \d+ notes on the way$/gm)).toHaveLength(2)
    expect(stdout.match(/^✓ started again as process \d+, ready after [\d.]+ s$/gm)).toHaveLength(2)
    const [, expected] = /^events expected {2}(\d+)$/m.exec(stdout)!
    expect(stdout).toMatch(new RegExp(`^events seen      ${expected}$`, 'm'))
    for (const name of ['doubled', 'lost', 'unexpected']) expect(stdout).toMatch(new RegExp(`^${name} +0$`, 'm'))
    expect(stdout).toMatch(/^notes left {7}(\d+) by the commands, \1 in Redis, 0 differ$/m)
    expect(stdout).toMatch(/^verify .* 0 differences$/m)
    expect(stdout).toMatch(/^✓ The count is right\.$/m)
    expect(stdout).not.toContain('\u001b')
  },
  RUN_MS,
)

test(
  'Ctrl-C ends the service too',
  async () => {
    const program = demo(['--notes', '3000'])
    const pid = await service(program)
    program.process.kill('SIGINT')
    expect(await program.exit).toBe(130)
    expect(program.stdout).toMatch(/^stopping$/m)
    await gone(pid)
  },
  RUN_MS,
)

test(
  'kill -9 of the demo: the service is gone all the same',
  async () => {
    const program = demo(['--notes', '3000'])
    const pid = await service(program)
    program.process.kill('SIGKILL')
    expect(await program.exit).toBe('SIGKILL')
    await gone(pid)
  },
  RUN_MS,
)

test('usage and configuration: exit 2; --help: 0', async () => {
  const help = demo(['--help'])
  expect(await help.exit).toBe(0)
  expect(help.stdout).toMatch(/Exit codes: 0 the count is right, 1 /)
  for (const program of [
    demo(['--notes', '3']),
    demo(['--what']),
    demo([], { CREATE_TOPICS: 'false' }),
    demo([], { REDIS_URL: 'x' }),
  ])
    expect(await program.exit, program.stdout).toBe(2)
})
