/** `tributary changelog rewrite`: the state in Redis, written into a changelog that has lost it. A dry run unless told otherwise. */
import { type RewriteReport, rewriteChangelog } from '../../operations/rewrite.ts'
import { preparationOf } from '../../service-options.ts'
import { withContext } from '../context.ts'
import { EXIT } from '../errors.ts'
import { json, type Register, withJson } from './command.ts'

export const changelogCommand: Register = (parent, io, run) => {
  const changelog = parent.command('changelog').description('the changelog, which the state in Redis is rebuilt from')
  withJson(changelog.command('rewrite'))
    .description('write the changelog anew from the state in Redis, where the topic is gone or has lost records')
    .summary('write the changelog anew from the state in Redis')
    .option(
      '--redo',
      'where Redis is behind the committed offsets: process again what lies between, and publish it again',
    )
    .option('--anyway', 'also where nothing is seen to be wrong: a record in it may be unreadable, or not ours')
    .option('--execute', 'do it; without this nothing is changed')
    .addHelpText(
      'after',
      `
For a changelog that was deleted, created again, or cut by retention, while Redis has every task's state: the warning
changelog.cut, and state.foreign behind a topic that was deleted; with --anyway changelog.corrupt and changelog.foreign.
The topic is deleted if it is there and created as the service would create it; every entry and a checkpoint go into it;
then Redis is told. Run it with the service's own NOTE_ID_STRIDE, if that was set. What the changelog told of former
changes and their causes is gone.
Refused (exit 1) while the group has members, or where Redis is not as of the committed offsets. If it is interrupted, tasks
that Redis does not know of yet do not start (state.foreign): run the same command again.`,
    )
    .action((options: { json?: true; redo?: true; anyway?: true; execute?: true }) =>
      run(() =>
        withContext(
          io,
          async (context) => {
            const execute = options.execute === true
            const report = await rewriteChangelog(context, preparationOf(context.config), {
              redo: options.redo === true,
              anyway: options.anyway === true,
              execute,
              step: (what) => io.err(`${what}\n`),
            })
            io.out(options.json ? json(report) : text(report, execute))
            return report.refused.length > 0 ? EXIT.negative : EXIT.ok
          },
          { changelogMayMiss: true },
        ),
      ),
    )
}

function text({ reason, planned, refused, written }: RewriteReport, execute: boolean): string {
  const lines: string[] = []
  if (reason !== null) lines.push(reason)
  for (const { task, checkpoint } of planned.tasks) {
    const done = written.find((one) => one.task === task)
    lines.push(
      done
        ? `task ${task}: ${done.entries} entries, as of batch ${checkpoint.batch}`
        : `task ${task}: its state in Redis is as of batch ${checkpoint.batch}`,
    )
  }
  for (const { topic, partition, from, to } of planned.changes)
    lines.push(`${topic}-${partition}: committed offset ${from ?? 'none'} → ${to}`)
  for (const why of refused) lines.push(`refused: ${why}`)
  if (written.length > 0) lines.push('written')
  else if (reason === null) lines.push('the changelog is whole: nothing to do')
  else lines.push(execute ? 'nothing was changed' : 'nothing was changed: add --execute')
  return `${lines.join('\n')}\n`
}
