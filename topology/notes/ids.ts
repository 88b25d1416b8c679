/** Ids of notes: unique over tasks and tenants without asking anyone, and the same on a replay. */
import { UINT32_MAX } from '../fields.ts'
import type { State, Tasks } from '../sources.ts'

export const NOTE_ID_MAX = UINT32_MAX

/** sequence × stride + task + 1, so an id tells its task; undefined when the ids of this task are used up. */
export function noteIdOf(sequence: number, state: Pick<State, 'stride' | 'task'>): number | undefined {
  const id = sequence * state.stride + state.task + 1
  return id <= NOTE_ID_MAX ? id : undefined
}

/** The task that has given, or will give, this id; undefined: none ever will. */
export function taskOfNote(noteId: number, { tasks, stride }: Tasks): number | undefined {
  if (noteId < 1 || noteId > NOTE_ID_MAX) return undefined
  const task = (noteId - 1) % stride
  return task < tasks ? task : undefined
}

/** How many ids a task can still give when `sequence` is its next one. */
export const noteIdsRemaining = (sequence: number, { stride, task }: Pick<State, 'stride' | 'task'>): number =>
  Math.max(0, Math.floor((NOTE_ID_MAX - task - 1) / stride) + 1 - sequence)
