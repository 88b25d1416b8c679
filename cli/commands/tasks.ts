/** `tributary tasks`: who runs what, and how far it is. */

import { ageText } from '../../operations/core/text.ts'
import { type GroupView, type TaskView, viewTasks } from '../../operations/tasks.ts'
import { withContext } from '../context.ts'
import { table } from '../core/table.ts'
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
          io.out(options.json ? json({ application, clusterId, group, tasks }) : text(group, tasks))
          return EXIT.ok
        }),
      ),
    )
}

function text(group: GroupView, tasks: readonly TaskView[]): string {
  const members = group.members.length === 1 ? '1 member' : `${group.members.length} members`
  const lag = (task: TaskView): number => task.partitions.reduce((sum, partition) => sum + partition.lag, 0)
  return [
    `group ${group.id}: ${group.state === 'Dead' ? 'does not exist' : group.state}, ${members}\n`,
    table(
      ['TASK', 'OWNER', 'TRANSACTIONAL ID', 'PAUSED', 'LEASE', 'BATCH', 'CHECKPOINT', 'AGE', 'CHANGELOG END', 'LAG'],
      tasks.map((task) => [
        task.task,
        task.instance,
        task.transactionalId,
        task.paused ? 'yes' : null,
        task.lease === null ? 'none' : task.lease === task.transactionalId ? 'held' : `held by ${task.lease}`,
        task.batch,
        task.checkpointOffset,
        task.checkpointAgeMs === null ? null : ageText(task.checkpointAgeMs),
        task.changelogEnd,
        lag(task),
      ]),
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
