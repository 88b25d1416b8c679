/**
 * Deterministic simulation: the real engine between a model Kafka, a model Redis and a network that fails, many histories
 * a second, each judged by the guarantee's rules. See arguments.ts for what it can be asked.
 */
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readArguments } from './arguments.ts'
import { runBugs } from './bugs/run.ts'
import { seedBug } from './bugs/seed.ts'

const SHRINK_SECONDS = 60

const args = readArguments(process.argv.slice(2))
if (args.bugs) process.exitCode = (await runBugs(args)) ? 0 : 1
else {
  // Before the engine is loaded: it changes its text.
  seedBug(args.bug)
  const work = args.replay === null ? run : replay
  // Not within a promise: promises are driven by hand from here.
  setImmediate(() => void work())
}

async function load() {
  const { explore, neverMet, Totals } = await import('./explore.ts')
  const { Simulation } = await import('./simulation.ts')
  const { shrink } = await import('./shrink.ts')
  const { readHistory, describe } = await import('./replay.ts')
  return { explore, neverMet, Totals, Simulation, shrink, readHistory, describe }
}

async function run(): Promise<void> {
  const { explore, neverMet, Totals, Simulation, shrink, describe } = await load()
  setImmediate(() => {
    const totals = new Totals()
    const startedMs = performance.now()
    const failure = explore(args.seed, args.seconds, totals)
    const seconds = (performance.now() - startedMs) / 1_000
    const cpuSeconds = process.cpuUsage().user / 1e6
    const sums = `${totals.histories} histories (${totals.counted} that count), ${totals.steps} steps, ${Math.round(totals.steps / seconds)} steps a second (${Math.round(totals.steps / cpuSeconds)} a CPU second), ${(totals.histories / seconds).toFixed(1)} histories a second, ${totals.states.size} states`
    if (!failure) {
      console.log(
        `faults met: ${[...totals.faults]
          .sort((a, b) => b[1] - a[1])
          .map(([name, count]) => `${name} ${count}`)
          .join(', ')}`,
      )
      console.log(
        `${totals.batches} batches, ${totals.forwarded} forwarded, ${totals.rebalances} assignments, ${totals.takeovers} takeovers, ${totals.rebuilds} rebuilds, ${totals.recoveries} recoveries, ${totals.fenced} dead fenced, ${totals.repeats} outputs written again with the same bytes, ${totals.requestsRepeated} requests repeated, ${Math.round(totals.virtualMs / 1_000)} s of virtual time`,
      )
      const never = neverMet(totals)
      if (never.length > 0) process.exitCode = 1
      const gaps = never.length > 0 ? `; never met: ${never.join(', ')}` : ''
      console.log(`seeds ${args.seed} to ${args.seed + totals.histories - 1}: no rule is broken in ${sums}${gaps}.`)
      return
    }
    process.exitCode = 1
    const { history, verdict } = failure
    console.log(`seed ${history.seed} breaks ${verdict.violation?.message}`)
    if (args.bug === null) {
      const endMs = performance.now() + SHRINK_SECONDS * 1_000
      const shortest = shrink(
        history,
        (h) => new Simulation(h).run().violation?.rule ?? null,
        () => performance.now() > endMs,
      )
      const file = join(tmpdir(), `simulation-${history.seed}.json`)
      writeFileSync(file, `${JSON.stringify(shortest, null, 1)}\n`)
      console.log(describe(shortest))
      console.log(`shortest history: ${new Simulation(shortest).run().violation?.message}`)
      console.log(`replay: npm run test:sim -- --replay ${history.seed}, or the short one: --replay ${file} --log`)
    }
    console.log(`seed ${history.seed} breaks rule ${verdict.violation?.rule} after ${seconds.toFixed(1)} s: ${sums}.`)
  })
}

async function replay(): Promise<void> {
  const { Simulation, readHistory, describe } = await load()
  setImmediate(() => {
    const history = readHistory(args.replay ?? '')
    const { violation, steps, virtualMs, log } = new Simulation(history, args.log).run()
    console.log(args.log ? log.join('\n') : describe(history))
    if (violation) process.exitCode = 1
    console.log(
      `history of seed ${history.seed}: ${violation ? violation.message : 'no rule is broken'}, in ${steps} steps, ${virtualMs} ms of virtual time.`,
    )
  })
}
