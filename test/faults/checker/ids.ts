/** Note ids: sequence × STRIDE + task + 1, of the character's home task, each sequence number once and without a gap. */
import { partitionOf } from './murmur2.ts'
import type { Note } from './outputs.ts'
import type { Report } from './report.ts'

/** `created`: every note that was ever created. */
export function checkIds(
  created: Iterable<Pick<Note, 'noteId' | 'characterId'>>,
  tasks: number,
  stride: number,
  report: Report,
): void {
  const sequences = Array.from({ length: tasks }, () => new Set<number>())
  for (const { noteId, characterId } of created) {
    const task = (noteId - 1) % stride
    const home = partitionOf(characterId, tasks)
    if (task !== home)
      report.add(
        'misplaced',
        `note ${noteId} of character ${characterId} was made by task ${task}, its home is ${home}`,
      )
    sequences[task]?.add((noteId - 1 - task) / stride)
  }
  sequences.forEach((set, task) => {
    for (let i = 0; i < set.size; i++)
      if (!set.has(i)) {
        report.add(
          'doubled',
          `task ${task} made ${set.size} notes and skipped sequence number ${i}: a CREATE was counted and not told`,
        )
        return
      }
  })
}
