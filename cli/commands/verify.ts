/** `tributary verify`: state, indexes, counters and offsets against the changelog. */

import type { Difference } from '../../operations/core/differences.ts'
import { printable } from '../../operations/core/text.ts'
import { missingSources } from '../../operations/deployment.ts'
import { OperationError } from '../../operations/errors.ts'
import { type TaskReport, verify } from '../../operations/verify.ts'
import { preparationOf } from '../../service-options.ts'
import { type KafkaContext, withContext } from '../context.ts'
import { table } from '../core/table.ts'
import { EXIT } from '../errors.ts'
import { json, type Register, wholeNumber, withJson } from './command.ts'

const LIMIT_DEFAULT = 20
const VALUE_CHARACTERS_MAX = 200

export const verifyCommand: Register = (parent, io, run) => {
  withJson(parent.command('verify'))
    .description('compare Redis with the changelog, entry by entry, and the committed offsets with its checkpoints')
    .summary('is Redis the fold of the changelog?')
    .option('--task <number>', 'this task alone', wholeNumber(0, 9_999))
    .option('--limit <count>', 'differences to list per task', wholeNumber(0, 10_000), LIMIT_DEFAULT)
    .addHelpText(
      'after',
      '\nWorks beside a running service. Exits 0 when everything is the same, 1 when something differs.',
    )
    .action((options: { json?: true; task?: number; limit: number }) =>
      run(() =>
        withContext(io, async (context) => {
          const tasks = tasksOf(context, options.task)
          const reports: TaskReport[] = []
          const missing = missingSources(context.plan, preparationOf(context.config))
          for await (const report of verify(context, { tasks, limit: options.limit, missing })) reports.push(report)
          const differences = reports.reduce((sum, report) => sum + report.differences, 0)
          const same = differences === 0
          io.out(options.json ? json({ same, differences, tasks: reports }) : text(reports, differences))
          return same ? EXIT.ok : EXIT.negative
        }),
      ),
    )
}

export function tasksOf({ plan }: KafkaContext, task: number | undefined): readonly number[] {
  if (task === undefined) return Array.from({ length: plan.tasks }, (_, at) => at)
  if (task < plan.tasks) return [task]
  throw new OperationError(
    'task.unknown',
    'usage',
    `there is no task ${task}: ${plan.application} has ${plan.tasks}, from 0 on`,
  )
}

function text(reports: readonly TaskReport[], differences: number): string {
  const rows = reports.map((r) => [
    r.task,
    r.batch,
    r.behind,
    r.entries,
    r.members,
    r.changed,
    r.undecided,
    r.differences,
  ])
  const columns = ['TASK', 'BATCH', 'BEHIND', 'ENTRIES', 'INDEXED', 'CHANGING', 'UNDECIDED', 'DIFFERENCES']
  const lines = reports.flatMap((report) => [
    ...report.listed.map((difference) => `task ${report.task}: ${differenceText(difference)}\n`),
    ...(report.differences > report.listed.length
      ? [`task ${report.task}: and ${report.differences - report.listed.length} more (--limit)\n`]
      : []),
  ])
  const verdict = differences === 0 ? 'the same' : `${differences} ${differences === 1 ? 'difference' : 'differences'}`
  return `${table(columns, rows)}${lines.length > 0 ? '\n' : ''}${lines.join('')}\n${verdict}\n`
}

const differenceText = ({ kind, what, expected, found }: Difference): string =>
  `${kind} ${printable(what)}: expected ${valueText(expected)}, found ${valueText(found)}`

const valueText = (value: string | null): string =>
  value === null ? 'nothing' : printable(value, VALUE_CHARACTERS_MAX)
