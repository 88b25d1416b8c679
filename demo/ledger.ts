/**
 * The count: what the commands that were sent must have caused, computed without any of the service's code, beside what
 * was seen. Pure.
 */

export type SentCommand =
  | {
      readonly kind: 'create'
      readonly transactionId: string
      readonly tenantId: string
      readonly characterId: number
      readonly senderId: number
      readonly message: string
      readonly flag: number
    }
  | {
      readonly kind: 'update'
      readonly tenantId: string
      readonly characterId: number
      readonly noteId: number
      readonly message: string
    }
  | {
      readonly kind: 'discard'
      readonly tenantId: string
      readonly characterId: number
      readonly noteIds: readonly number[]
    }
  | { readonly kind: 'leave'; readonly tenantId: string; readonly characterId: number }
  | { readonly kind: 'bad'; readonly reason: string; readonly origin: string }

export interface KeptNote {
  readonly tenantId: string
  readonly characterId: number
  readonly senderId: number
  readonly message: string
  readonly flag: number
}

export interface Expected {
  /** One text per event, content included: an event with wrong content is one lost and one that nobody expected. */
  readonly events: readonly string[]
  /** By id. */
  readonly notes: ReadonlyMap<number, KeptNote>
}

/** `noteIds`: the id that the service gave the note of each CREATE, by transaction id. */
export function foldCommands(commands: readonly SentCommand[], noteIds: ReadonlyMap<string, number>): Expected {
  const events: string[] = []
  const notes = new Map<number, KeptNote>()
  const remove = (noteId: number): void => {
    const note = notes.get(noteId)
    if (!note) return
    notes.delete(noteId)
    events.push(deletedText(note.tenantId, note.characterId, noteId))
  }
  for (const command of commands) {
    switch (command.kind) {
      case 'create': {
        const { kind: _, transactionId, ...note } = command
        const noteId = noteIds.get(transactionId)
        if (note.message === '') events.push(failedText(note.tenantId, note.characterId, transactionId))
        else if (noteId === undefined) events.push(`CREATED of ${transactionId}, which never came`)
        else {
          notes.set(noteId, note)
          events.push(createdText(noteId, note, transactionId))
        }
        break
      }
      case 'update': {
        const note = notes.get(command.noteId)
        if (!note) break
        const changed = { ...note, message: command.message }
        notes.set(command.noteId, changed)
        events.push(updatedText(command.noteId, changed))
        break
      }
      case 'discard':
        for (const noteId of command.noteIds) {
          const note = notes.get(noteId)
          if (note && note.senderId !== command.characterId) events.push(sagaText(note.tenantId, note.senderId, noteId))
          remove(noteId)
        }
        break
      case 'leave':
        for (const [noteId, note] of [...notes])
          if (note.tenantId === command.tenantId && note.characterId === command.characterId) remove(noteId)
        break
      case 'bad':
        events.push(deadText(command.reason, command.origin))
    }
  }
  return { events, notes }
}

export const createdText = (noteId: number, note: KeptNote, transactionId: string): string =>
  `CREATED ${contentText(noteId, note)} for ${transactionId}`
export const updatedText = (noteId: number, note: KeptNote): string => `UPDATED ${contentText(noteId, note)}`
export const deletedText = (tenantId: string, characterId: number, noteId: number): string =>
  `DELETED ${noteId} of ${tenantId}:${characterId}`
export const failedText = (tenantId: string, characterId: number, transactionId: string): string =>
  `CREATE_FAILED of ${tenantId}:${characterId} for ${transactionId}`
export const sagaText = (tenantId: string, senderId: number, noteId: number): string =>
  `fame for ${tenantId}:${senderId}, note ${noteId}`
export const deadText = (reason: string, origin: string): string => `dead letter ${reason} of ${origin}`

const contentText = (noteId: number, note: KeptNote): string =>
  `${noteId} of ${note.tenantId}:${note.characterId} by ${note.senderId}, ${note.flag}, ${JSON.stringify(note.message)}`

export interface Count {
  readonly expected: number
  readonly seen: number
  readonly doubled: readonly string[]
  readonly lost: readonly string[]
  /** Seen once, and nobody knows why. */
  readonly unexpected: readonly string[]
}

export function countEvents(expected: readonly string[], seen: readonly string[]): Count {
  const times = new Map<string, number>()
  for (const event of seen) times.set(event, (times.get(event) ?? 0) + 1)
  const wanted = new Set(expected)
  return {
    expected: expected.length,
    seen: seen.length,
    doubled: [...times].filter(([, count]) => count > 1).map(([event]) => event),
    lost: [...wanted].filter((event) => !times.has(event)),
    unexpected: [...times.keys()].filter((event) => !wanted.has(event)),
  }
}

/** Ids of notes that differ between what the commands say and what the state holds. */
export function differingNotes(
  expected: ReadonlyMap<number, KeptNote>,
  found: ReadonlyMap<number, KeptNote>,
): readonly number[] {
  const text = (note: KeptNote | undefined): string | undefined => note && contentText(0, note)
  return [...new Set([...expected.keys(), ...found.keys()])].filter(
    (id) => text(expected.get(id)) !== text(found.get(id)),
  )
}
