/**
 * `npm run test:faults`: every fault of the registry on the real stack, each counted and judged. Exits 0 only when each was
 * hit and came out as expected, and nothing was lost, doubled or reordered. `--list` names them, `--only` chooses.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import type { Report } from './checker/report.ts'
import { newSeed } from './feed/random.ts'
import { impossible } from './harness/proof.ts'
import { faultsOf, scenes } from './registry/all.ts'
import { expectedText, type WorkloadName } from './registry/fault.ts'
import { play, Servers } from './run/play.ts'
import { openScreen } from './run/screen.ts'
import { lastLine, mergedTable, type Row, sumsOf, tableMarkdown, tableText } from './run/verdict.ts'
import { soak } from './soak/soak.ts'

interface Options {
  readonly seed: number
  readonly only: RegExp
  readonly list?: true
  readonly workload: WorkloadName | 'both'
  readonly soak?: number
  readonly write?: true
}

const ALL = /./
/** Between them lies what is written here. */
const SECTION = /<!-- faults -->([\s\S]*)<!-- \/faults -->/
const PAGE = new URL('../../docs/faults.md', import.meta.url)

function wholeNumber(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('Give a whole number.')
  return Number(text)
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text, 'i')
  } catch {
    throw new InvalidArgumentError('Give a regular expression.')
  }
}

function optionsOf(argv: readonly string[]): Options {
  return new Command('test:faults')
    .description(
      'Every fault on the real stack: own brokers and Redis servers, the service as processes, Kafka’s own consumer.',
    )
    .option('--seed <number>', 'repeats the choices of a run', wholeNumber, newSeed())
    .option('--only <regex>', 'faults, or scenes, with such a name', pattern, ALL)
    .option('--list', 'names them and ends')
    .addOption(
      new Option('--workload <name>', 'what is processed').choices(['notes', 'ledger', 'both']).default('both'),
    )
    .option('--soak <minutes>', 'random faults for so long, and memory and descriptors watched', wholeNumber)
    .option('--write', 'writes the table to docs/faults.md')
    .exitOverride()
    .parse([...argv], { from: 'user' })
    .opts<Options>()
}

async function run({ seed, only, workload, write }: Options): Promise<boolean> {
  if (write && workload !== 'both') throw new Error('the page has both workloads: --write goes without --workload')
  const workloads: readonly WorkloadName[] = workload === 'both' ? ['notes', 'ledger'] : [workload]
  const plan = workloads.flatMap((name) =>
    scenes
      .map((scene) => ({ scene, workload: name, faults: faultsOf(scene, name, only) }))
      .filter(({ faults }) => faults.length > 0),
  )
  const screen = openScreen(
    process.stdout,
    plan.reduce((sum, { faults }) => sum + faults.length, 0),
  )
  screen.say(`seed ${seed}`)
  const servers = new Servers()
  const rows: Row[] = []
  const reports: Report[] = []
  const beganMs = performance.now()
  try {
    for (const part of plan) {
      const played = await play({
        ...part,
        seed,
        servers,
        now: (what) => screen.now(what),
        say: (line) => screen.say(line),
        done: ({ fault, hits, healedMs, wrong, skipped, workload: name }) =>
          screen.done(
            `${fault.group}: ${fault.name} (${name}): ${skipped || wrong.split('\n')[0] || `${hits} hits, healed in ${healedMs} ms`}`,
          ),
      })
      rows.push(...played.rows)
      reports.push(...played.reports)
    }
  } finally {
    screen.end()
    await servers.stop()
  }
  const sums = sumsOf(rows, reports)
  if (write)
    writePage(
      rows,
      `${lastLine(sums)}; seed ${seed}, ${Math.ceil((performance.now() - beganMs) / 60_000)} minutes`,
      only === ALL,
    )
  process.stdout.write(`\n${tableText(rows)}\n\n${lastLine(sums)}\n`)
  return sums.right
}

/** All faults make the page anew; some of them take their places in it. */
function writePage(rows: readonly Row[], line: string, all: boolean): void {
  const page = readFileSync(PAGE, 'utf8')
  const [, before = ''] = SECTION.exec(page) ?? []
  const table = tableMarkdown(rows)
  const [first = ''] = before.trim().split('\n\n')
  const said = all ? `${line}.` : `${first.replace(/ Some were played again: .*/, '')} Some were played again: ${line}.`
  const section = `<!-- faults -->\n\n${said}\n\n${all ? table : mergedTable(before, table)}\n\n<!-- /faults -->`
  writeFileSync(
    PAGE,
    page.replace(SECTION, () => section),
  )
}

function list(): void {
  for (const scene of scenes) {
    process.stdout.write(`${scene.name}\n`)
    for (const fault of scene.faults)
      process.stdout.write(
        `  ${fault.group}: ${fault.name}${fault.only ? ` (${fault.only})` : ''}: ${expectedText(fault.expected)}\n`,
      )
  }
  process.stdout.write(`${new Set(scenes.flatMap((s) => s.faults.map((f) => f.name))).size} faults\n`)
}

try {
  const options = optionsOf(process.argv.slice(2))
  if (options.list) list()
  else {
    const reason = await impossible()
    if (reason !== '') throw new Error(reason)
    const right = options.soak === undefined ? await run(options) : await soak(options.soak, options.seed)
    process.exitCode = right ? 0 : 1
  }
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : error}\n`)
    process.exitCode = 1
  }
}
