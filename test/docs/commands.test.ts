/**
 * Every command of a ```sh block names what exists: scripts, files, options, packages, variables. That they run is shown by
 * test/integration/docs-commands.test.ts. Also holds the table of those that are not simply run to the pages.
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runCli } from '../../cli/run.ts'
import { readConfig } from '../../config.ts'
import { faultsOf, scenes } from '../faults/registry/all.ts'
import { readArguments } from '../simulation/arguments.ts'
import { blocks, commandsIn, ENDLESS, NOT_RUN, SHOWN, START } from './command-blocks.ts'
import { codeBlocks, pages, read, root } from './pages.ts'

const commands = blocks.flatMap(({ commands }) => commands.map(({ plain }) => plain))
const { scripts } = JSON.parse(read('package.json')) as { scripts: Readonly<Record<string, string>> }

test('the blocks are found', () => {
  expect(blocks.length).toBeGreaterThan(12)
  expect(new Set(blocks.map(({ page }) => page))).toContain('docs/redis-keys.md')
})

test('what is to be typed stands in blocks of one kind', () => {
  const others = pages.flatMap((page) =>
    codeBlocks(read(page))
      .filter(({ language, code }) => /^(bash|shell|console|zsh)$/.test(language) || (!language && /^\$ /m.test(code)))
      .map(() => page),
  )
  expect(others).toEqual([])
})

test('lines are put together and comments taken off', () => {
  const code = '# All.\na "b # c" \\\n  -d   # why\n\nx |\n  y\nz\n'
  expect(commandsIn(code).map(({ plain }) => plain)).toEqual(['a "b # c" -d', 'x | y', 'z'])
  expect(() => commandsIn('a \\\n')).toThrow('in the middle')
})

test('everything in the table is on a page, and only once in the table', () => {
  const declared = [START, ...Object.keys(NOT_RUN), ...Object.keys(ENDLESS)]
  expect([...declared, ...Object.keys(SHOWN)].filter((command) => !commands.includes(command))).toEqual([])
  expect(new Set(declared).size).toBe(declared.length)
})

describe.each(blocks.map((block) => [block.name, block] as const))('%s', (_, { commands }) => {
  test('is a script that bash can read', () => {
    const script = commands.map(({ text }) => text).join('\n')
    expect(spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
  })

  test.each(commands.map(({ plain }) => plain))('%s', async (plain) => {
    expect(await mistakesOf(plain)).toEqual([])
  })
})

test('a command that names what does not exist is noticed', async () => {
  const wrong = [
    ...['npm run nothing', 'npm run --silent tributary -- nothing', 'npm run --silent tributary -- verify --nothing'],
    ...['npm run test:sim -- --nothing', 'npm run test:faults -- --nothing', "npm run test:faults -- --only 'xyzzy'"],
    ...['node bench/nothing.ts', 'node bench/catch-up.ts --nothing', 'NOTHING=1 npm start', '.ci/nothing', 'kubectl'],
    ...['npm install zod@0.0.1', 'npm install nothing'],
  ]
  for (const command of wrong) expect(await mistakesOf(command), command).not.toEqual([])
})

test('commands of the command line in the text are ones that it has', async () => {
  const inText = pages
    .filter((page) => !page.startsWith('docs/decisions/'))
    .flatMap((page) =>
      [...read(page).matchAll(/`(?:npm run --silent tributary -- |tributary )([a-z][^`…\n]*)`/g)].map(
        ([, text = '']) => text,
      ),
    )
  expect(inText.length).toBeGreaterThan(15)
  for (const text of new Set(inText)) {
    const words = text.replaceAll('\\', '').split(' ')
    const mistakes = await commandLineMistakes(words.map((word) => SAMPLES[word] ?? word))
    // A group of commands may be named alone, and `<arguments>` are what the reader has to give.
    if (mistakes.length > 0 && !/[<[]/.test(text)) expect(await helpOf(words), text).toBe(0)
  }
})

const SAMPLES: Readonly<Record<string, string>> = { '<topic>-<partition>@<offset>': 'COMMAND_TOPIC_NOTE-0@124' }

/** The first words, up to an option, are a command: its help is there. */
async function helpOf(words: readonly string[]): Promise<number> {
  const io = { env: {}, out: () => {}, err: () => {}, runningStack: () => null }
  return runCli([...words, '--help'], io)
}

/** What a command names and is not there. */
async function mistakesOf(plain: string): Promise<readonly string[]> {
  const assigned = /^((?:[A-Z_]+=[\w.:/]+ )*)/.exec(plain)?.[1] ?? ''
  const words = wordsOf(plain.slice(assigned.length))
  return [
    ...assigned
      .split(' ')
      .filter(Boolean)
      .flatMap((text) => variableMistakes(text.split('=')[0]!)),
    ...(await programMistakes(words)),
  ]
}

/** As a shell splits them, for what the pages have: quotes, no substitutions. */
const wordsOf = (text: string): readonly string[] =>
  [...text.matchAll(/(?:[^\s'"]+|'[^']*'|"[^"]*")+/g)].map(([word]) => word.replace(/['"]/g, ''))

const variableMistakes = (name: string): readonly string[] =>
  new RegExp(`^ {2}${name}:`, 'm').test(read('config.ts')) && readConfig({}) ? [] : [`there is no variable ${name}`]

async function programMistakes(words: readonly string[]): Promise<readonly string[]> {
  const [program = '', ...rest] = words
  switch (program) {
    case 'npm':
      return npmMistakes(rest)
    case 'npx':
      return rest[0] === 'node' ? nodeMistakes(rest.slice(1)) : [`npx ${rest[0]}: not of this repository`]
    case 'node':
      return nodeMistakes(rest)
    case 'curl':
    case 'printf':
    case 'java':
    case 'redis-cli':
    case 'eval':
    case 'tributary()':
      return []
    default:
      // A variable, which a later command uses.
      if (/^[A-Z]+=/.test(program)) return []
      if (program.startsWith('.')) return executable(program) ? [] : [`${program} is not there`]
      return [`what is ${program}?`]
  }
}

function executable(file: string): boolean {
  try {
    accessSync(join(root, file), constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function npmMistakes([command = '', ...rest]: readonly string[]): Promise<readonly string[]> {
  if (command === 'install') return rest.flatMap(packageMistakes)
  const words = command === 'run' ? rest.filter((word) => word !== '--silent') : [command, ...rest]
  const [script = '', ...others] = words
  if (!(script in scripts)) return [`there is no script ${script}`]
  const args = others[0] === '--' ? others.slice(1) : others
  if (script === 'tributary') return commandLineMistakes(args)
  if (script === 'test:sim') return thrownBy(() => readArguments(args))
  if (script === 'test:faults') return faultMistakes(args)
  return args.map((arg) => `${script} takes no ${arg}`)
}

/** The versions that a page tells to install are those that the tests run with. */
function packageMistakes(text: string): readonly string[] {
  const [, name = text, version = ''] = /^(.+)@([^@]+)$/.exec(text) ?? []
  const file = `node_modules/${name}/package.json`
  if (!existsSync(join(root, file))) return [`${name} is not installed`]
  const installed = (JSON.parse(read(file)) as { version: string }).version
  return installed === version ? [] : [`${name} is installed as ${installed}`]
}

/** Parsed by the real tree, which goes as far as the addresses: they are not set. */
async function commandLineMistakes(args: readonly string[]): Promise<readonly string[]> {
  let err = ''
  const io = { env: {}, out: () => {}, err: (text: string) => void (err += text), runningStack: () => null }
  const exit = await runCli(args, io)
  return exit === 0 || err.startsWith('address.missing: ') ? [] : [err]
}

function faultMistakes(args: readonly string[]): readonly string[] {
  const mistakes = optionsMissing(args, 'test/faults/main.ts', (name) => `'${name}[' ]`)
  const only = args[args.indexOf('--only') + 1]
  if (!args.includes('--only') || only === undefined) return mistakes
  const workload = args.includes('ledger') ? 'ledger' : 'notes'
  const chosen = scenes.flatMap((scene) => faultsOf(scene, workload, new RegExp(only, 'i')))
  return chosen.length > 0 ? mistakes : [...mistakes, `no fault is called ${only}`]
}

function nodeMistakes([file = '', ...args]: readonly string[]): readonly string[] {
  if (!existsSync(join(root, file))) return [`${file} is not there`]
  return optionsMissing(args, file, (name) => `\\b${name.slice(2)}: \\{ type:`)
}

const optionsMissing = (args: readonly string[], file: string, pattern: (name: string) => string): readonly string[] =>
  args
    .filter((arg) => arg.startsWith('--'))
    .filter((arg) => !new RegExp(pattern(arg)).test(read(file)))
    .map((arg) => `${file} has no ${arg}`)

function thrownBy(work: () => unknown): readonly string[] {
  try {
    work()
    return []
  } catch (error) {
    return [String(error)]
  }
}
