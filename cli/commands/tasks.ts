/** `tributary tasks`: who runs what, and how far it is. */

import { ageText } from '../../operations/core/text.ts'
import { type GroupView, type TaskView, viewTasks } from '../../operations/tasks.ts'
import { withContext } from '../context.ts'
import { table, tableWithin } from '../core/table.ts'
import { EXIT } from '../errors.ts'
import { json, type Register, withJson } from './command.ts'

export const tasksCommand: Register = (parent, io, run) => {
  withJson(parent.command('tasks'))
    .description('per task: owner, batch, offsets and lag, changelog, lease, age of the checkpoint in Redis')
    .summary('who runs what, and how far it is')
    .action((options: { json?: true }) =>
      run(() =>
        withContext(io, async (context) => {
          const { group, tasks } = await viewTasks(context)
          const { clusterId, application } = context.plan
          const columns = io.terminal?.()?.columns ?? Number.POSITIVE_INFINITY
          io.out(options.json ? json({ application, clusterId, group, tasks }) : text(group, tasks, columns))
          return EXIT.ok
        }),
      ),
    )
}

/** A transactional id is that of its owner with the application before it: `--json` has it. */
function text(group: GroupView, tasks: readonly TaskView[], columns: number): string {
  const members = group.members.length === 1 ? '1 member' : `${group.members.length} members`
  const lag = (task: TaskView): number => task.partitions.reduce((sum, partition) => sum + partition.lag, 0)
  return [
    `group ${group.id}: ${group.state === 'Dead' ? 'does not exist' : group.state}, ${members}\n`,
    tableWithin(
      ['TASK', 'PAUSED', 'LEASE', 'BATCH', 'CHECKPOINT', 'AGE', 'CHANGELOG END', 'LAG', 'OWNER'],
      tasks.map((task) => [
        task.task,
        task.paused ? 'yes' : null,
        task.lease === null ? 'none' : task.lease === task.transactionalId ? 'held' : 'of another',
        task.batch,
        task.checkpointOffset,
        task.checkpointAgeMs === null ? null : ageText(task.checkpointAgeMs),
        task.changelogEnd,
        lag(task),
        task.instance,
      ]),
      columns,
    ),
    table(
      ['TASK', 'TOPIC', 'PARTITION', 'COMMITTED', 'END', 'LAG'],
      tasks.flatMap((task) =>
        task.partitions.map((at) => [
          task.task,
          at.topic,
          at.partition,
          at.committed,
          at.end,
          at.exact ? at.lag : `≤ ${at.lag}`,
        ]),
      ),
    ),
  ].join('\n')
}
