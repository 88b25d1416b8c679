/**
 * What the documentation tells to type is typed: `npm start` as the README has it, then every block of every page against
 * that service, in their order, as a user with a terminal would. Addresses are the only thing that is put in: the ports of the
 * pages may be taken here. What is not run, and why: test/docs/command-blocks.ts.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePorts } from '../../embedded/free-port.ts'
import { onPath } from '../../embedded/java.ts'
import { KAFKA_CACHE } from '../../embedded/kafka-libraries.ts'
import { cachedArtifacts } from '../../embedded/maven-cache.ts'
import { blocks, type CommandBlock, ENDLESS, type Endless, isRun, SHOWN, START } from '../docs/command-blocks.ts'
import { codeBlocks, read, root } from '../docs/pages.ts'
import { http, noteOf, tenantHeaders } from './rest-support.ts'

const START_MS = 180_000
const BLOCK_MS = 120_000
const TENANT = '083839c6-c47c-42a6-9585-76492795d123'
const VERSION_SHOWN = 'v0lb9hc8q9m7mkma2'

interface Ready {
  readonly bootstrapServers: string
  readonly redisUrl: string
  readonly restUrl: string
}

/** A user's home of the test's own, so that nothing else that runs on this machine is taken for the service. */
const home = mkdtempSync(join(tmpdir(), 'tributary-docs-'))
let env: NodeJS.ProcessEnv = {}
let service: Program
let ready: Ready
let restPort = 0

class Program {
  readonly process: ChildProcess
  stdout = ''
  stderr = ''
  readonly exit: Promise<number | string>

  /** In a process group of its own, as a terminal gives it to what it runs. */
  constructor(script: string) {
    this.process = spawn('bash', ['-eo', 'pipefail', '-c', script], {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    this.process.stdout!.on('data', (chunk) => {
      this.stdout += chunk
    })
    this.process.stderr!.on('data', (chunk) => {
      this.stderr += chunk
    })
    this.exit = new Promise((done) => this.process.once('close', (code, signal) => done(code ?? signal!)))
  }

  get said(): string {
    return `${this.stdout}\n--- stderr\n${this.stderr.slice(-4_000)}`
  }

  /** Throws when it ends before, or at the deadline. */
  async shows(pattern: RegExp, deadlineMs: number): Promise<void> {
    const deadline = performance.now() + deadlineMs
    while (!pattern.test(this.stdout)) {
      if (this.process.exitCode !== null) throw new Error(`ended with ${this.process.exitCode}: ${this.said}`)
      if (performance.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${pattern}\n${this.said}`)
      await sleep(20)
    }
  }

  /** As Ctrl-C does. */
  interrupt(): void {
    this.#signal('SIGINT')
  }

  kill(): void {
    this.#signal('SIGKILL')
  }

  #signal(name: NodeJS.Signals): void {
    try {
      process.kill(-this.process.pid!, name)
    } catch {
      // It is gone already.
    }
  }
}

/** The environment of a terminal: nothing of the test runner's, and none of the service's own variables. */
function environment(): NodeJS.ProcessEnv {
  const { PATH = '', TERM, LANG, JAVA_HOME, npm_config_registry } = process.env
  const given = { TERM, LANG, JAVA_HOME, npm_config_registry }
  // A terminal has no node_modules/.bin in front; npm and npx put it there.
  const folders = PATH.split(delimiter).filter((folder) => !folder.startsWith(root))
  return {
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    PATH: folders.join(delimiter),
    HOME: home,
    REST_PORT: String(restPort),
    PLACE_FILE: join(home, 'place.txt'),
  }
}

beforeAll(async () => {
  const cache = join(home, '.cache', 'tributary')
  mkdirSync(cache, { recursive: true })
  const downloaded = cachedArtifacts(KAFKA_CACHE)
  if (downloaded) symlinkSync(downloaded, join(cache, KAFKA_CACHE))
  const [kafkaPort = 0, port = 0] = await freePorts(2)
  restPort = port
  env = environment()
  service = new Program(START.replace('9092', String(kafkaPort)))
  await service.shows(/"msg":"ready".*\n/, START_MS)
  ready = JSON.parse(linesOf(service).at(-1)!) as Ready
  // For the examples, which are told where to look.
  env = { ...env, BOOTSTRAP_SERVERS: ready.bootstrapServers, REDIS_URL: ready.redisUrl }
}, START_MS)

afterAll(async () => {
  service?.kill()
  await service?.exit
  rmSync(home, { recursive: true, force: true })
})

/** But for those of npm itself. */
const linesOf = ({ stdout }: Program): readonly string[] =>
  stdout.split('\n').filter((line) => line !== '' && !line.startsWith('> '))

/** With the addresses and the version of the state that are true here. */
async function here(text: string): Promise<string> {
  const named = text
    .replaceAll('127.0.0.1:8080', new URL(ready.restUrl).host)
    .replaceAll('127.0.0.1:9092', ready.bootstrapServers)
    .replaceAll('redis-cli', `redis-cli -u ${ready.redisUrl}`)
  return named.includes(VERSION_SHOWN) ? named.replaceAll(VERSION_SHOWN, await stateVersion()) : named
}

async function stateVersion(): Promise<string> {
  const program = new Program(`redis-cli -u ${ready.redisUrl} --raw hget '{notes:3}:task' checkpoint`)
  await program.exit
  return (JSON.parse(program.stdout) as { stateVersion: string }).stateVersion
}

const post = (message: string) =>
  http(restPort, 'POST', '/api/notes', { headers: tenantHeaders(TENANT), body: noteOf(7, message) })

const needs = (commands: readonly string[]): string =>
  commands.some((plain) => plain.includes('redis-cli ')) && !onPath('redis-cli')
    ? 'there is no redis-cli'
    : commands.some((plain) => plain.includes('java ')) && !onPath('java')
      ? 'there is no java on the PATH'
      : ''

test('npm start prints what the README shows', () => {
  const shown = codeBlocks(read('README.md')).find(({ language }) => language === 'json')
  expect(linesOf(service)).toHaveLength(1)
  expect(Object.keys(ready)).toEqual(Object.keys(JSON.parse(shown!.code) as object))
  expect(ready).toMatchObject({ msg: 'ready' })
})

const typed = blocks.filter(({ commands }) => commands.some((command) => isRun(command) || command.plain in ENDLESS))

describe.each(typed.map((block) => [block.name, block] as const))('%s', (_, block) => {
  const ran = block.commands.filter(isRun)
  const missing = needs(block.commands.map(({ plain }) => plain))
  if (ran.length > 0)
    test.skipIf(missing !== '')(`runs ${missing}`, { timeout: BLOCK_MS }, () =>
      runs(
        block,
        ran.map(({ text }) => text),
      ),
    )

  const endless = block.commands.flatMap(({ plain, text }) => (ENDLESS[plain] ? [[plain, text, ENDLESS[plain]]] : []))
  test.each(endless as [string, string, Endless][])('%s', { timeout: BLOCK_MS }, (_plain, text, how) =>
    goesOn(text, how),
  )
})

async function runs({ commands }: CommandBlock, texts: readonly string[]): Promise<void> {
  const program = new Program(await here(texts.join('\n')))
  expect(await program.exit, program.said).toBe(0)
  expect(program.stdout, program.said).not.toMatch(/"errors":\[/)
  const statuses = [...program.stdout.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status))
  expect(statuses.filter((status) => status >= 300)).toEqual([])
  for (const { plain } of commands) if (SHOWN[plain]) expect(program.stdout, plain).toMatch(SHOWN[plain])
  if (texts.some((text) => text.includes('redis-cli del'))) await rebuilt()
}

/** The page: the task notices, rebuilds, takes commands again, and `verify` then says `the same`. */
async function rebuilt(): Promise<void> {
  const deadline = performance.now() + BLOCK_MS / 2
  while ((await post('after the rebuild')).status !== 201) {
    if (performance.now() > deadline) throw new Error('the task does not come back')
    await sleep(100)
  }
  const verify = new Program('npm run --silent tributary -- verify')
  expect(await verify.exit, verify.said).toBe(0)
  expect(verify.stdout).toContain('the same')
}

async function goesOn(text: string, { when, shows }: Endless): Promise<void> {
  const program = new Program(await here(text))
  try {
    if (when) {
      await program.shows(when, BLOCK_MS / 3)
      expect((await post('heard')).status).toBe(201)
    }
    await program.shows(shows, BLOCK_MS / 3)
    program.interrupt()
    await program.exit
  } finally {
    program.kill()
  }
}

test('Ctrl-C ends everything', { timeout: BLOCK_MS }, async () => {
  service.interrupt()
  // What a shell makes of npm's end by SIGINT is its own affair; that nothing is left is not.
  expect([0, 130, 'SIGINT']).toContain(await service.exit)
  await expect(post('too late')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})
