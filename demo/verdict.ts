/** The end of the demo: is the count right, is the state that of the commands, is Redis the fold of the changelog? */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from '../cli/context.ts'
import { partitionName } from '../engine/core/plan.ts'
import type { TopicPartition } from '../engine/ports.ts'
import { logRanges } from '../operations/records.ts'
import { viewTasks } from '../operations/tasks.ts'
import { type TaskReport, verify } from '../operations/verify.ts'
import { type Note, notes } from '../topology/notes/state.ts'
import type { Game } from './game.ts'
import type { SentCommand } from './ledger.ts'
import { type Count, countEvents, differingNotes, foldCommands, type KeptNote } from './ledger.ts'
import type { Listener } from './listener.ts'

const SETTLE_MS = 30_000
const POLL_MS = 100
const LISTED = 20

export interface Verdict {
  readonly count: Count
  /** Notes left by the commands, and in Redis. */
  readonly notesExpected: number
  readonly notesFound: number
  readonly notesDiffering: number
  readonly reports: readonly TaskReport[]
  readonly right: boolean
}

/** Waits until nothing is under way, so that nothing doubled could still come. Throws after 30 s. */
export async function settle(context: Context, listener: Listener, outputs: readonly TopicPartition[]): Promise<void> {
  const deadline = performance.now() + SETTLE_MS
  for (;;) {
    const { tasks } = await viewTasks(context)
    const waiting = tasks.some((task) => task.partitions.some(({ lag }) => lag > 0))
    const ends = await logRanges(context.kafka, outputs)
    const unread = outputs.some(({ topic, partition }) => {
      const name = partitionName({ topic, partition })
      return listener.position(name) < ends.get(name)!.end
    })
    if (!waiting && !unread) return
    if (performance.now() > deadline) throw new Error(`not everything was processed within ${SETTLE_MS / 1_000} s`)
    await sleep(POLL_MS)
  }
}

export async function judge(context: Context, game: Game, commands: readonly SentCommand[]): Promise<Verdict> {
  const expected = foldCommands(commands, game.noteIds)
  const count = countEvents(expected.events, game.seen)
  const tasks = Array.from({ length: context.plan.tasks }, (_, task) => task)
  const reports = await Array.fromAsync(verify(context, { tasks, limit: LISTED }))
  const found = await notesInRedis(context, tasks)
  const differing = differingNotes(expected.notes, found)
  const events = count.doubled.length + count.lost.length + count.unexpected.length
  return {
    count,
    notesExpected: expected.notes.size,
    notesFound: found.size,
    notesDiffering: differing.length,
    reports,
    right: events === 0 && differing.length === 0 && reports.every(({ differences }) => differences === 0),
  }
}

async function notesInRedis({ reader }: Context, tasks: readonly number[]): Promise<Map<number, KeptNote>> {
  const found = new Map<number, KeptNote>()
  for (const task of tasks)
    for await (const { store, key, field, json } of reader.dump(task)) {
      if (store !== notes.name || json === null) continue
      const [tenantId = '', character] = key.split(':')
      const { senderId, message, flag } = JSON.parse(json) as Note
      found.set(Number(field), { tenantId, characterId: Number(character), senderId, message, flag })
    }
  return found
}
