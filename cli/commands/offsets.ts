/** `tributary offsets`: committed offsets beside the changelog's, and mending them. Dry runs unless told otherwise. */
import { type Command, InvalidArgumentError } from 'commander'
import {
  isBad,
  type OffsetFacts,
  type OffsetPlan,
  type OffsetRow,
  offsetRows,
  planAdopt,
  planEarliest,
  planRestore,
  positionsOf,
} from '../../operations/core/offsets.ts'
import type { SkipTarget } from '../../operations/core/skip.ts'
import { missingSources } from '../../operations/deployment.ts'
import { gatherFacts, membersInTheWay, writePlan } from '../../operations/offsets.ts'
import { type SkipReport, skip } from '../../operations/skip.ts'
import { preparationOf } from '../../service-options.ts'
import { type Io, type KafkaContext, withKafka } from '../context.ts'
import { table } from '../core/table.ts'
import { EXIT, type Exit } from '../errors.ts'
import { json, type Register, type Run, withJson } from './command.ts'

const ACTIONS = [
  {
    name: 'restore',
    plan: planRestore,
    description: "set the group's offsets to those of the changelog's checkpoints",
    mends: 'offsets.missing, offsets.mismatch, group.changed',
  },
  {
    name: 'adopt',
    plan: planAdopt,
    description: "go on from the group's offsets with empty state: take over from the service that ran in this group",
    mends: 'offsets.foreign',
  },
  {
    name: 'earliest',
    plan: planEarliest,
    description: 'begin at the start of every log with empty state, where the changelog has none',
    mends: 'offsets.foreign',
  },
] as const

export const offsetsCommand: Register = (parent, io, run) => {
  const offsets = parent.command('offsets').description("the group's committed offsets")
  withJson(offsets.command('show'))
    .description("committed offsets beside those of the changelog's checkpoints; exits 1 when a task would stop")
    .action((options: { json?: true }) =>
      run(() => withKafka(io, (context) => show(context, io, options.json === true))),
    )
  for (const action of ACTIONS) mend(offsets, action, io, run)
  registerSkip(offsets, io, run)
}

async function show(context: KafkaContext, io: Io, asJson: boolean): Promise<Exit> {
  const { tasks } = await gatherFacts(context)
  const missing = missingSources(context.plan, preparationOf(context.config))
  const rows = tasks.flatMap((task) => offsetRows(context.plan, task, missing))
  const bad = rows.some(({ state }) => isBad(state))
  io.out(asJson ? json({ group: context.plan.groupId, ok: !bad, partitions: rows }) : rowsText(rows))
  return bad ? EXIT.negative : EXIT.ok
}

const rowsText = (rows: readonly OffsetRow[]): string =>
  table(
    ['TASK', 'TOPIC', 'PARTITION', 'COMMITTED', 'CHANGELOG', 'STATE'],
    rows.map((row) => [row.task, row.topic, row.partition, row.committed, row.changelog, row.state]),
  )

function mend(parent: Command, action: (typeof ACTIONS)[number], io: Io, run: Run): void {
  withJson(parent.command(action.name))
    .description(action.description)
    .option('--execute', 'write it; without this nothing is written')
    .addHelpText(
      'after',
      `\nMends: ${action.mends}. Refused (exit 1) while the group has members: stop the service first.`,
    )
    .action((options: { json?: true; execute?: true }) =>
      run(() =>
        withKafka(io, async (context) => {
          const facts = await gatherFacts(context)
          const planned = action.plan(facts)
          const execute = options.execute === true
          const members = await membersInTheWay(context)
          const refused = [...members, ...planned.problems]
          const empty = planned.changes.length === 0 && planned.records.length === 0
          const written = execute && refused.length === 0 && !empty
          if (written) await writePlan(context, planned)
          const { changes, records } = planned
          if (options.json)
            io.out(
              json({
                action: action.name,
                written,
                refused,
                changes,
                checkpoints: records.map(({ task, record }) => ({ task, positions: record.positions })),
              }),
            )
          else io.out(planText(facts, planned, { written, refused, execute, empty }))
          return refused.length > 0 ? EXIT.negative : EXIT.ok
        }),
      ),
    )
}

function registerSkip(parent: Command, io: Io, run: Run): void {
  withJson(parent.command('skip'))
    .description(
      'go on with the state as it is behind input that is lost: deleted, cut off, or in a topic that is gone',
    )
    .summary('go on behind input that is lost, with the state as it is')
    .option(
      '--to <topic-partition@offset...>',
      'also skip what lies before this offset, for instance a batch that cannot be decoded',
      targets,
    )
    .option('--execute', 'do it; without this nothing is changed')
    .addHelpText(
      'after',
      `
Mends: offset.out_of_range, topic.recreated, topic.internal_missing; with --to also input.corrupt. Where a log begins behind
a task's position or ends before it, the task goes on at its start or its end; a topic that was created again is read from
its start, and one that is missing is created. What was lost stays lost, and nothing is read twice.
Refused (exit 1) while the group has members: stop the service first.`,
    )
    .action((options: { json?: true; execute?: true; to?: readonly SkipTarget[] }) =>
      run(() =>
        withKafka(
          io,
          async (context) => {
            const execute = options.execute === true
            const report = await skip(context, preparationOf(context.config), { targets: options.to ?? [], execute })
            io.out(options.json ? skipJson(report) : skipText(report, execute))
            return report.refused.length > 0 ? EXIT.negative : EXIT.ok
          },
          { repartitionMayMiss: true },
        ),
      ),
    )
}

/** For commander: one more `topic-partition@offset`, or a usage error. */
function targets(text: string, before: readonly SkipTarget[] = []): readonly SkipTarget[] {
  const [, topic = '', partition, offset] = /^(.+)-(\d{1,9})@(\d{1,15})$/.exec(text) ?? []
  if (topic === '') throw new InvalidArgumentError('Give topic-partition@offset, as in COMMAND_TOPIC_NOTE-0@124.')
  return [...before, { topic, partition: Number(partition), offset: Number(offset) }]
}

const skipJson = ({ written, refused, created, planned: { changes, records } }: SkipReport): string =>
  json({
    action: 'skip',
    written,
    refused,
    created,
    changes,
    checkpoints: records.map(({ task, record }) => ({ task, positions: record.positions })),
  })

function skipText({ facts, created, planned, refused, written }: SkipReport, execute: boolean): string {
  const topics = created.map((topic) => `topic ${topic} is missing: ${written ? 'created' : 'it will be created'}\n`)
  const empty = planned.changes.length === 0 && planned.records.length === 0
  return topics.join('') + planText(facts, planned, { written, refused, execute, empty })
}

function planText(
  { plan }: OffsetFacts,
  { changes, records }: OffsetPlan,
  how: { written: boolean; refused: readonly string[]; execute: boolean; empty: boolean },
): string {
  const parts: string[] = []
  if (changes.length > 0)
    parts.push(
      table(
        ['TASK', 'TOPIC', 'PARTITION', 'COMMITTED', 'WILL BE'],
        changes.map((change) => [change.task, change.topic, change.partition, change.from, change.to]),
      ),
    )
  if (records.length > 0)
    parts.push(
      table(
        ['TASK', 'CHECKPOINT IN', 'TOPIC', 'PARTITION', 'POSITION'],
        records.flatMap(({ task, record }) =>
          positionsOf(record).map((at) => [task, plan.changelog.topic, at.topic, at.partition, at.position]),
        ),
      ),
    )
  for (const reason of how.refused) parts.push(`refused: ${reason}\n`)
  if (how.empty) parts.push('nothing to do\n')
  else if (how.written) parts.push('written\n')
  else if (!how.execute) parts.push('nothing was written: add --execute\n')
  else parts.push('nothing was written\n')
  return parts.join('\n')
}
