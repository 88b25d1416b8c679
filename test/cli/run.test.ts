/** Arguments, addresses, exit codes and streams; nothing here reaches a server. */
import { describe, expect, test } from 'vitest'
import { runCli } from '../../cli/run.ts'
import { freePorts } from '../../embedded/free-port.ts'
import type { StackAddresses } from '../../embedded/stack-file.ts'

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

const COMMANDS = [
  ['topology'],
  ['tasks'],
  ['state', 'get', 'character'],
  ['state', 'get', 'note'],
  ['dead-letters', 'list'],
  ['verify'],
  ['offsets', 'show'],
  ['offsets', 'restore'],
  ['offsets', 'adopt'],
  ['offsets', 'earliest'],
]

describe('help', () => {
  test.each([[], ['state'], ['state', 'get'], ['dead-letters'], ['offsets'], ...COMMANDS].map((argv) => [argv]))(
    '%j --help',
    async (argv) => {
      const { exit, out, err } = await cli([...argv, '--help'])
      expect({ exit, err }).toEqual({ exit: 0, err: '' })
      expect(out).toContain(`Usage: tributary${argv.map((word) => ` ${word}`).join('')}`)
      expect(out).toMatch(/Exit codes:\n {2}0 {2}done\n {2}1 .*\n {2}2 .*\n {2}3 /)
      expect(out.match(/Exit codes:/g)).toHaveLength(1)
    },
  )

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
      stores: [{ name: 'notes', kind: 'map' }],
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
