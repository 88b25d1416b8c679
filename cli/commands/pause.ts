/** `tributary pause` and `resume`: stop taking records without stopping the process. */

import { type PausedTask, pauseTasks, resumeTasks } from '../../operations/pause.ts'
import type { StoreAdmin } from '../../stores/ports.ts'
import { withContext } from '../context.ts'
import { table } from '../core/table.ts'
import { EXIT } from '../errors.ts'
import { json, type Register, userName, wholeNumber, withJson } from './command.ts'
import { tasksOf } from './verify.ts'

export const pauseCommand: Register = (parent, io, run) => {
  const order = (
    name: string,
    description: string,
    help: string,
    give: (admin: StoreAdmin, tasks: readonly number[]) => Promise<readonly PausedTask[]>,
  ): void => {
    withJson(parent.command(name))
      .description(description)
      .option('--partition <number>', 'this task alone', wholeNumber(0, 9_999))
      .addHelpText('after', help)
      .action((options: { json?: true; partition?: number }) =>
        run(() =>
          withContext(io, async (context) => {
            const tasks = await give(context.admin, tasksOf(context, options.partition))
            io.out(options.json ? json({ tasks }) : text(tasks))
            return EXIT.ok
          }),
        ),
      )
  }
  order(
    'pause',
    'let tasks take no more records; they keep their owner, and lag grows',
    `
Heard within a second, and kept in Redis until it is taken back: also over restarts of the service. What has begun is
finished. tasks, top, /readyz (which stays 200), the log and topology_task_paused show it. A Redis that is emptied forgets it.`,
    (admin, tasks) => pauseTasks(admin, tasks, userName()),
  )
  order('resume', 'let paused tasks take records again', '', resumeTasks)
}

const text = (tasks: readonly PausedTask[]): string =>
  table(
    ['TASK', 'STATE', 'SINCE', 'BY', 'CHANGED'],
    tasks.map(({ task, pause, changed }) => [
      task,
      pause ? 'paused' : 'not paused',
      pause?.since ?? null,
      pause?.by ?? null,
      changed ? 'yes' : 'no',
    ]),
  )
