/** Where the page shows more of an entry of the state: its character, its note. Pure. */
import type { Entry } from '../../../contract.ts'
import { linkToCharacter, linkToNote } from '../../links.ts'

const OWNER = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):(\d{1,10})$/i
const NOTE_ID = /^[1-9]\d{0,9}$/

/** Null: it belongs to no character. */
export function linkToEntry({ store, key, field }: Pick<Entry, 'store' | 'key' | 'field'>): string | null {
  const match = OWNER.exec(key)
  if (!match) return null
  const [, tenant, character] = match
  if (store === 'notes' && field !== null && NOTE_ID.test(field)) return linkToNote(Number(field), tenant!)
  return linkToCharacter(Number(character), tenant!)
}
