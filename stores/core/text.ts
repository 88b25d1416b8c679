/**
 * Escaping of user text inside Redis keys and changelog names. Owns nothing; pure.
 *
 * Left as it is: A-Z a-z 0-9 . _ ~ : @ -, so that ordinary keys stay readable. Everything else becomes %XX per UTF-8
 * byte, as in a URL. A lone surrogate, which no UTF-8 can carry, becomes %uXXXX: JSON from outside may contain one, and
 * two different keys must never share a name.
 */

const UNSAFE = /[^A-Za-z0-9._~:@-]/
const UNSAFE_CHARACTER = /[^A-Za-z0-9._~:@-]/gu
const ESCAPE = /%u([0-9A-F]{4})|((?:%[0-9A-F]{2})+)/g

/** One test in the ordinary case: this runs for every change. */
export function escapeText(text: string): string {
  return UNSAFE.test(text) ? text.replace(UNSAFE_CHARACTER, escapeCharacter) : text
}

/** The inverse of escapeText. Throws URIError on text that escapeText cannot have written. */
export function unescapeText(text: string): string {
  if (!text.includes('%')) return text
  return text.replace(ESCAPE, (_match, unit: string | undefined, bytes: string) =>
    unit === undefined ? decodeURIComponent(bytes) : String.fromCharCode(Number.parseInt(unit, 16)),
  )
}

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0
  if (code >= 0xd800 && code <= 0xdfff) return `%u${code.toString(16).toUpperCase()}`
  if (code < 0x80) return `%${code.toString(16).toUpperCase().padStart(2, '0')}`
  return encodeURIComponent(character)
}
