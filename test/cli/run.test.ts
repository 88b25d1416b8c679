/** Arguments, addresses, exit codes and streams; nothing here reaches a server. */
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { nodesOf, treeOf } from '../../cli/command-tree.ts'
import { buildProgram } from '../../cli/program.ts'
import { runCli } from '../../cli/run.ts'
import { freePorts } from '../../embedded/free-port.ts'
import type { StackAddresses } from '../../embedded/stack-file.ts'
import { read, root } from '../docs/pages.ts'

async function cli(argv: readonly string[], env: Record<string, string> = {}, stack: StackAddresses | null = null) {
  let out = ''
  let err = ''
  const exit = await runCli(argv, {
    env,
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    runningStack: () => stack,
  })
  return { exit, out, err }
}

const io = { env: {}, out: () => {}, err: () => {}, runningStack: () => null }
const nodes = nodesOf(treeOf(buildProgram(io, async () => {}))).map(({ path, commands }) => ({
  path,
  group: commands.length > 0,
}))
const COMMANDS = nodes.filter(({ group }) => !group).map(({ path }) => path)

test('the commands there are', () => {
  expect(COMMANDS.map((path) => path.join(' '))).toEqual([
    ...['tasks', 'top', 'events'],
    ...['state get character', 'state get note', 'state history note', 'state history character', 'state export'],
    ...['dead-letters list', 'dead-letters show', 'dead-letters replay'],
    ...['verify', 'doctor', 'pause', 'resume'],
    ...['offsets show', 'offsets restore', 'offsets adopt', 'offsets earliest', 'offsets skip'],
    ...['restore', 'changelog rewrite', 'reset', 'topology', 'config', 'completion'],
  ])
})

test('--version is that of the package', async () => {
  const { version } = JSON.parse(read('package.json')) as { version: string }
  expect(await cli(['--version'])).toEqual({ exit: 0, out: `${version}\n`, err: '' })
})

test.skipIf(!existsSync('/dev/full'))('a full disk behind stdout: one line, exit 1', () => {
  const full = openSync('/dev/full', 'w')
  const { status, stderr } = spawnSync(process.execPath, ['cli/main.ts', 'topology'], {
    cwd: root,
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  })
  closeSync(full)
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: expect.stringMatching(/^output\.failed: [^\n]*ENOSPC[^\n]*\n$/),
  })
})

test.each([[['--to', 'a-0@1', '--to', 'b-1@2']], [['--to', 'a-0@1', 'b-1@2']]])(
  'offsets skip %j takes both',
  async (to) => {
    const program = buildProgram(io, async () => {})
    const named = (parent: Command, name: string): Command => parent.commands.find((one) => one.name() === name)!
    await program.parseAsync(['offsets', 'skip', ...to], { from: 'user' })
    expect(named(named(program, 'offsets'), 'skip').opts()['to']).toEqual([
      { topic: 'a', partition: 0, offset: 1 },
      { topic: 'b', partition: 1, offset: 2 },
    ])
  },
)

describe('help', () => {
  test.each(nodes.map(({ path }) => [path]))('%j --help', async (argv) => {
    const { exit, out, err } = await cli([...argv, '--help'])
    expect({ exit, err }).toEqual({ exit: 0, err: '' })
    expect(out).toContain(`Usage: tributary${argv.map((word) => ` ${word}`).join('')}`)
    expect(out).toMatch(/Exit codes:\n {2}0 {2}done\n {2}1 .*\n {2}2 .*\n {2}3 /)
    expect(out.match(/Exit codes:/g)).toHaveLength(1)
  })

  test.each(COMMANDS.map((argv) => [argv]))('%j takes --json', async (argv) => {
    expect((await cli([...argv, '--help'])).out).toContain('--json')
  })
})

describe('usage: exit 2, a line on stderr, nothing on stdout', () => {
  test.each([
    [[]],
    [['nonsense']],
    [['state']],
    [['state', 'get', 'character']],
    [['state', 'get', 'character', '-1']],
    [['state', 'get', 'note', '4294967296']],
    [['state', 'get', 'note', '1.5']],
    [['state', 'get', 'note', '1', '--tenant', 'x']],
    [['dead-letters', 'list', '--limit', '0']],
    [['verify', '--limit', 'many']],
    [['verify', 'extra']],
    [['offsets', 'restore', '--yes']],
    [['topology', '--json', '--mermaid']],
    [['dead-letters', 'show']],
    [['dead-letters', 'show', '3-1']],
    [['dead-letters', 'replay', '3@1', 'x']],
    [['events', '--from', 'yesterday']],
    [['events', '--type', 'MOVED']],
    [['top', '--interval', '0']],
    [['restore']],
    [['restore', '--partition', 'x']],
    [['pause', '1']],
    [['completion', 'powershell']],
  ])('%j', async (argv) => {
    const { exit, out, err } = await cli(argv)
    expect({ exit, out }).toEqual({ exit: 2, out: '' })
    expect(err).not.toBe('')
    expect(err).not.toMatch(/^\s+at /m)
  })
})

describe('topology', () => {
  test('as text, JSON and Mermaid', async () => {
    expect((await cli(['topology'])).out).toMatch(/^Topology: notes\n/)
    expect(await cli(['topology', '--text'])).toEqual(await cli(['topology']))
    expect(JSON.parse((await cli(['topology', '--json'])).out)).toMatchObject({
      name: 'notes',
      stores: expect.arrayContaining([expect.objectContaining({ name: 'notes', kind: 'map' })]),
    })
    expect((await cli(['topology', '--mermaid'])).out).toMatch(/^flowchart LR\n/)
  })
})

describe('addresses', () => {
  test('neither the environment nor a stack: one line each', async () => {
    const line = (names: string, set: string) =>
      `address.missing: ${names} not set, and no stack runs on this machine: set ${set}, or start one (npm start, npm run stack)\n`
    expect(await cli(['tasks'])).toEqual({ exit: 2, out: '', err: line('BOOTSTRAP_SERVERS and REDIS_URL', 'them') })
    const half = await cli(['tasks'], { BOOTSTRAP_SERVERS: '127.0.0.1:9' })
    expect(half).toEqual({ exit: 2, out: '', err: line('REDIS_URL', 'it') })
    expect((await cli(['offsets', 'show'])).err).toBe(line('BOOTSTRAP_SERVERS', 'it'))
  })

  test('mistakes in the configuration: a line each', async () => {
    const { exit, err } = await cli(['verify'], {
      REDIS_URL: 'http://x',
      APPLICATION_ID: '-',
      KAFKA_SASL_PASSWORD_FILE: '/nowhere',
    })
    expect(exit).toBe(2)
    expect(err.split('\n').filter((line) => line.startsWith('config.invalid: '))).toHaveLength(3)
    const servers = await cli(['tasks'], { BOOTSTRAP_SERVERS: 'a:b:c', REDIS_URL: 'redis://127.0.0.1' })
    expect(servers.exit).toBe(2)
    expect(servers.err).toMatch(/^config\.bootstrap/)
  })

  test("a running stack's are taken and named, without its password; unreachable: exit 3", async () => {
    const [port] = await freePorts(1)
    const stack = {
      bootstrapServers: `127.0.0.1:${port}`,
      redisUrl: `redis://user:secret@127.0.0.1:${port}`,
      pid: 1,
      startedAt: '2024-01-01T00:00:00Z',
    }
    const { exit, out, err } = await cli(['tasks'], {}, stack)
    expect({ exit, out }).toEqual({ exit: 3, out: '' })
    expect(err).toMatch(
      new RegExp(
        `^using the running stack at 127\\.0\\.0\\.1:${port} and redis://user:\\*\\*\\*@127\\.0\\.0\\.1:${port}\\nkafka\\.unreachable: .*\\n$`,
      ),
    )
    const own = await cli(['tasks'], { BOOTSTRAP_SERVERS: stack.bootstrapServers, REDIS_URL: stack.redisUrl }, stack)
    expect(own.err).not.toContain('running stack')
    expect(own.err).not.toContain('secret')
  })
})

describe('config', () => {
  test('values, where they came from, secrets masked', async () => {
    const env = { APPLICATION_ID: 'x', API_TOKEN: 'secret', REDIS_URL: 'redis://u:secret@h', LOG_LEVEL: '' }
    const { exit, out } = await cli(['config', '--json'], env)
    expect(exit).toBe(0)
    expect(out).not.toContain('secret')
    const { variables } = JSON.parse(out)
    expect(variables).toEqual(
      expect.arrayContaining([
        { name: 'APPLICATION_ID', value: 'x', from: 'environment' },
        { name: 'API_TOKEN', value: '***', from: 'environment' },
        { name: 'REDIS_URL', value: 'redis://u:***@h', from: 'environment' },
        { name: 'LOG_LEVEL', value: 'info', from: 'default' },
        { name: 'BOOTSTRAP_SERVERS', value: null, from: 'not set' },
      ]),
    )
    const stack = { bootstrapServers: 'b:1', redisUrl: 'redis://u:secret@r', pid: 1, startedAt: '' }
    const running = await cli(['config'], env, stack)
    expect(running.out).toMatch(/^BOOTSTRAP_SERVERS +b:1 +running stack$/m)
    expect(running.out).not.toContain('secret')
    expect((await cli(['config'], { REST_PORT: 'x' })).exit).toBe(2)
    expect((await cli(['config'], { GROUP_INSTANCE_ID: 'replay' })).err).toMatch(/taken/)
  })
})
