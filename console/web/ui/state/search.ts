/** What somebody looks for, out of what was typed or pasted. Pure. */
export type Kind = 'characters' | 'notes'

export interface Wanted {
  readonly kind: Kind
  readonly id: number
  readonly tenant: string | null
}

/** Ids are 32 bits wide. */
export const ID_MAX = 0xffff_ffff
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i
const PATTERNS: readonly { readonly kind: Kind; readonly pattern: RegExp }[] = [
  // A note is named within a character more often than the other way round, so it goes first.
  { kind: 'notes', pattern: /note_?-?id["']?\s*[:=]\s*"?(\d{1,10})\b/i },
  { kind: 'notes', pattern: /\bnotes?[\s/#]+#?(\d{1,10})\b/i },
  { kind: 'characters', pattern: /character_?-?id["']?\s*[:=]\s*"?(\d{1,10})\b/i },
  { kind: 'characters', pattern: /\bcharacters?[\s/#]+#?(\d{1,10})\b/i },
]

/**
 * A number is an id of what `kind` says. Read, too: `note 12`, a path or an address of the REST interface or of this page, a
 * Redis key, an event or a command as JSON; a UUID beside it is the tenant. Null: no id is in it.
 */
export function readSearch(text: string, kind: Kind, tenant: string | null = null): Wanted | null {
  const found = UUID.exec(text)?.[0].toLowerCase() ?? null
  const of = found ?? (tenant === null || tenant.trim() === '' ? null : tenant.trim().toLowerCase())
  // `…:<tenant>:7` of a Redis key or an entry, before the UUID is taken out.
  const key = found === null ? null : new RegExp(`${found}:(\\d{1,10})(?:$|[\\s'"])`, 'i').exec(text)
  if (key) return wanted('characters', key[1]!, of)
  const rest = found === null ? text : text.replace(UUID, ' ')
  for (const { kind: named, pattern } of PATTERNS) {
    const match = pattern.exec(rest)
    if (match) return wanted(named, match[1]!, of)
  }
  // A minus before it is one, unless a word goes before: there is no character -1, and 1 is another.
  const number = /^[\s#,;:/?&=a-z"'{}-]*?(?<!(?:^|[\s:="'])-)(\d{1,10})[\s,;"'}]*$/i.exec(rest)
  return number ? wanted(kind, number[1]!, of) : null
}

function wanted(kind: Kind, digits: string, tenant: string | null): Wanted | null {
  const id = Number(digits)
  return id <= ID_MAX ? { kind, id, tenant } : null
}

export const isTenant = (text: string): boolean => new RegExp(`^${UUID.source}$`, 'i').test(text)
