/** Ids of notes: unique over tasks and tenants without asking anyone, and the same on a replay. */
import type { State } from '../sources.ts'

export const NOTE_ID_MAX = 0xffff_ffff

/** sequence × stride + task + 1, so an id tells its task; undefined when the ids of this task are used up. */
export function noteIdOf(sequence: number, state: Pick<State, 'stride' | 'task'>): number | undefined {
  const id = sequence * state.stride + state.task + 1
  return id <= NOTE_ID_MAX ? id : undefined
}
