/** `tributary reset` and `restore`: begin anew, and rebuild a task's state in Redis. Dry runs unless told otherwise. */
import { type RebuildReport, rebuildTask } from '../../operations/rebuild.ts'
import { type ResetReport, reset } from '../../operations/reset.ts'
import { preparationOf } from '../../service-options.ts'
import { withContext, withServers } from '../context.ts'
import { EXIT } from '../errors.ts'
import { json, type Register, wholeNumber, withJson } from './command.ts'
import { tasksOf } from './verify.ts'

const WAIT_SECONDS_DEFAULT = 60

export const resetCommand: Register = (parent, io, run) => {
  withJson(parent.command('reset'))
    .description('begin anew: delete the internal topics, the state in Redis and the committed offsets')
    .summary('begin anew, from the start or the end of the inputs')
    .option('--to-latest', 'begin behind what is in the input topics now, instead of at their start')
    .option('--dead-letters', 'delete the dead letters, too')
    .option('--execute', 'do it; without this nothing is changed')
    .addHelpText(
      'after',
      `
Input and output topics stay as they are: from the start, every event is published again. Refused (exit 1) while the group
has members. A reset that was interrupted leaves an application that refuses to run: run the same command again.`,
    )
    .action((options: { json?: true; toLatest?: true; deadLetters?: true; execute?: true }) =>
      run(() =>
        withServers(io, async ({ config }, context) => {
          const execute = options.execute === true
          const report = await reset(
            { ...context, options: preparationOf(config) },
            {
              to: options.toLatest ? 'latest' : 'earliest',
              deadLetters: options.deadLetters === true,
              execute,
              step: (what) => io.err(`${what}\n`),
            },
          )
          io.out(options.json ? json(report) : resetText(report, execute))
          return report.refused.length > 0 ? EXIT.negative : EXIT.ok
        }),
      ),
    )
}

export const restoreCommand: Register = (parent, io, run) => {
  withJson(parent.command('restore'))
    .description("have a task's state in Redis rebuilt from the changelog, by its owner")
    .summary("rebuild a task's state in Redis")
    .requiredOption('--partition <number>', 'the task', wholeNumber(0, 9_999))
    .option('--wait <seconds>', 'how long to wait for the owner', wholeNumber(0, 3_600), WAIT_SECONDS_DEFAULT)
    .option('--execute', "remove the task's guard, upon which the owner rebuilds; without this nothing is changed")
    .addHelpText(
      'after',
      `
Nothing is lost: the input waits in Kafka meanwhile. With no service running, the next one that starts rebuilds, and until
then Redis has nothing to read. Exits 1 when the owner has not rebuilt within the time.`,
    )
    .action((options: { json?: true; partition: number; wait: number; execute?: true }) =>
      run(() =>
        withContext(io, async (context) => {
          const [task = 0] = tasksOf(context, options.partition)
          const execute = options.execute === true
          const report = await rebuildTask(context, { task, execute, waitMs: options.wait * 1_000 })
          io.out(options.json ? json({ execute, ...report }) : rebuildText(report, execute))
          return execute && report.running && options.wait > 0 && !report.rebuilt ? EXIT.negative : EXIT.ok
        }),
      ),
    )
}

function resetText({ steps, refused, executed }: ResetReport, execute: boolean): string {
  const parts = steps.map((step, at) => `${at + 1}. ${step}\n`)
  for (const reason of refused) parts.push(`refused: ${reason}\n`)
  if (steps.length === 0) parts.push('nothing to do\n')
  else if (executed) parts.push('done\n')
  else parts.push(execute ? 'nothing was changed\n' : 'nothing was changed: add --execute\n')
  return parts.join('')
}

function rebuildText({ task, version, batch, removed, running, rebuilt }: RebuildReport, execute: boolean): string {
  const state = version === null ? 'has no state in Redis' : `has state ${version} of batch ${batch} in Redis`
  const lines = [`task ${task} ${state}\n`]
  if (!execute) lines.push(`${running ? 'its owner' : 'the next owner'} would rebuild it: add --execute\n`)
  else if (rebuilt) lines.push(`rebuilt as ${rebuilt.version}, of batch ${rebuilt.batch}\n`)
  else if (!running)
    lines.push(`${removed ? 'removed' : 'nothing was there'}; nobody runs: the next owner rebuilds it\n`)
  else lines.push('not rebuilt yet: see tributary tasks and the log\n')
  return lines.join('')
}
