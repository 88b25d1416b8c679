/**
 * Bytes and text for a terminal and for JSON. What was written by others may hold control characters, which a terminal
 * would obey: nothing leaves here that could move a cursor. Pure.
 */
import { isUtf8 } from 'node:buffer'

/** C0, C1, DEL, line and paragraph separators, and the marks that turn the direction of writing. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** On one line, control characters as \u{…}, cut to `charactersMax` with an ellipsis. */
export function printable(text: string, charactersMax = Number.POSITIVE_INFINITY): string {
  const cut = text.length > charactersMax ? `${text.slice(0, Math.max(0, charactersMax - 1))}…` : text
  return cut.replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)
}

export type BytesAsJson = { readonly text: string } | { readonly hex: string } | null

/** UTF-8 without control characters other than tab and line ends as text, anything else as hex. */
export function bytesAsJson(bytes: Buffer | null, bytesMax = Number.POSITIVE_INFINITY): BytesAsJson {
  if (bytes === null) return null
  const text = textOf(bytes)
  if (text !== null) return { text: text.length > bytesMax ? `${text.slice(0, bytesMax)}…` : text }
  return { hex: bytes.length > bytesMax ? `${bytes.toString('hex', 0, bytesMax)}…` : bytes.toString('hex') }
}

/** For a line of a table. */
export function bytesAsText(bytes: Buffer | null, charactersMax: number): string {
  const value = bytesAsJson(bytes)
  if (value === null) return '(null)'
  return 'text' in value ? printable(value.text, charactersMax) : printable(`0x${value.hex}`, charactersMax)
}

function textOf(bytes: Buffer): string | null {
  if (!isUtf8(bytes)) return null
  const text = bytes.toString('utf8')
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x20 ? code !== 9 && code !== 10 && code !== 13 : code === 0x7f) return null
  }
  return text
}

/** `3.2 s`, `5 min`, `2 h`, `4 d`: enough to see whether something is old. */
export function ageText(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`
  return `${Math.round(ms / 86_400_000)} d`
}
