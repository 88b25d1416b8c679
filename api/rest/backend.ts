/** What the routes work with, once the topics are there. Owns the reader, the publisher and who waits; closes them. */
import type { Clock } from '../../engine/clock.ts'
import type { Plan } from '../../engine/core/plan.ts'
import type { Publisher } from '../../engine/ports.ts'
import type { StateReader } from '../../stores/ports.ts'
import { CommandSender } from './command-sender.ts'
import { NoteReads } from './note-reads.ts'
import { NoteWrites } from './note-writes.ts'
import { OutcomeWaiter } from './outcome-waiter.ts'

export interface RestBackend {
  readonly reads: NoteReads
  readonly writes: NoteWrites
  nowMs(): number
  /** Input records of the task that are readable and not processed; null: another process runs it. */
  lagOf(task: number): number | null
  close(): Promise<void>
}

export interface BackendOptions {
  readonly plan: Pick<Plan, 'tasks' | 'stride' | 'sources'>
  readonly reader: StateReader
  readonly publisher: Publisher
  readonly clock: Clock
  readonly lagOf: (task: number) => number | null
  readonly outcomeDeadlineMs?: number
}

const COMMANDS = 'COMMAND_TOPIC_NOTE'

export function createBackend(options: BackendOptions): RestBackend {
  const { plan, reader, publisher, clock, lagOf, outcomeDeadlineMs } = options
  const commands = plan.sources.find(({ source }) => source.topic === COMMANDS)
  if (!commands) throw new Error(`the topology does not read ${COMMANDS}`)
  const sender = new CommandSender(publisher, commands.topic, clock)
  const topic = { partitions: commands.partitions, tasks: plan.tasks }
  const writes = new NoteWrites(sender, new OutcomeWaiter(reader, clock), topic, clock, outcomeDeadlineMs)
  return {
    reads: new NoteReads(reader, plan, clock),
    writes,
    nowMs: () => clock.nowMs(),
    lagOf,
    async close() {
      writes.close()
      await Promise.all([reader.close(), publisher.close()])
    },
  }
}
