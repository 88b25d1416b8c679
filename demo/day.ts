/**
 * A day in a game world, planned from a seed: who writes to whom, and what becomes of each note. The same seed gives the
 * same day; only which id a note gets is the service's to say. Pure.
 */
import { uuidV5 } from '../topology/notes/uuid.ts'

export interface Character {
  readonly id: number
  readonly name: string
  readonly tenantId: string
  /** Is deleted in the evening, and its notes with it. */
  readonly leaves: boolean
}

/**
 * `kept` it stays · `discarded` its owner throws it away once it has come · `updated` its text is changed once it has
 * come · `refused` it has no text, so it cannot be created.
 */
export type Fate = 'kept' | 'discarded' | 'updated' | 'refused'

export interface PlannedNote {
  readonly transactionId: string
  readonly owner: Character
  readonly sender: Character
  readonly message: string
  readonly flag: number
  readonly fate: Fate
  /** Sent to a partition that is not its character's home. */
  readonly astray: boolean
}

export type BadKind = 'not-json' | 'unknown-type' | 'no-tenant'

export interface Day {
  readonly seed: number
  readonly characters: readonly Character[]
  /** In the order of writing. */
  readonly notes: readonly PlannedNote[]
  /** Records that nobody can process, by the number of the note they are sent before. */
  readonly bad: ReadonlyMap<number, BadKind>
  /** Events of notes, sagas and dead letters that the whole day causes. */
  readonly events: number
}

const TENANTS = ['083839c6-c47c-42a6-9585-76492795d123', '447d0baa-7661-4ee2-9e50-d0b02dc71999'] as const
const NAMES = [
  'Mira',
  'Bran',
  'Sable',
  'Oswin',
  'Tilda',
  'Corvo',
  'Juniper',
  'Falk',
  'Ysolde',
  'Rook',
  'Ember',
  'Wren',
  'Hale',
  'Nim',
  'Thorn',
  'Linnet',
  'Ash',
  'Perrin',
  'Quill',
  'Sorrel',
  'Garrick',
  'Ivy',
  'Dunstan',
  'Maeve',
] as const
const MESSAGES = [
  'meet me at the north gate',
  'the ferry leaves at dusk',
  'thanks for the potions!',
  'you owe me 200 mesos',
  'guild meeting tonight',
  'found your sword in the swamp',
  'do NOT open the blue chest',
  'happy birthday 🎂',
  'trade? 3 herbs for a map',
  'the mushrooms are back',
  'who took my cloak',
  'see you after the raid',
] as const
/** One of so many characters leaves in the evening. */
const LEAVERS = 8
const BAD: readonly BadKind[] = ['not-json', 'unknown-type', 'no-tenant']

export function planDay(seed: number, noteCount: number): Day {
  const random = randomOf(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  const characters = TENANTS.flatMap((tenantId) =>
    NAMES.map((name, at) => ({ id: 1_001 + at, name, tenantId, leaves: at % LEAVERS === LEAVERS - 1 })),
  )
  const notes: PlannedNote[] = []
  for (let number = 0; number < noteCount; number++) {
    const owner = pick(characters)
    const own = characters.filter(({ tenantId }) => tenantId === owner.tenantId)
    // Now and then somebody writes to itself, and is not thanked for that.
    const sender = random() < 0.05 ? owner : pick(own)
    const chance = random()
    const fate: Fate =
      chance < 0.02
        ? 'refused'
        : owner.leaves
          ? 'kept'
          : chance < 0.45
            ? 'discarded'
            : chance < 0.55
              ? 'updated'
              : 'kept'
    notes.push({
      transactionId: uuidV5(owner.tenantId, `demo ${seed} ${number}`),
      owner,
      sender,
      message: fate === 'refused' ? '' : pick(MESSAGES),
      flag: Math.floor(random() * 3),
      fate,
      astray: random() < 0.2,
    })
  }
  const bad = new Map(BAD.map((kind, at) => [Math.floor(((at + 1) * noteCount) / (BAD.length + 1)), kind]))
  return { seed, characters, notes, bad, events: bad.size + notes.reduce((sum, note) => sum + eventsOf(note), 0) }
}

function eventsOf({ fate, owner, sender }: PlannedNote): number {
  if (fate === 'refused') return 1
  const deleted = fate === 'discarded' || owner.leaves
  const saga = fate === 'discarded' && sender.id !== owner.id
  return 1 + Number(fate === 'updated') + Number(deleted) + Number(saga)
}

export const changedText = (message: string): string => `${message} (changed my mind)`

/** mulberry32: [0, 1), the same sequence for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
