/** The bytes of a letter as people read them. They are shown, never changed. Pure. */

/** Bytes of one line of a hex dump. */
const LINE = 16

/** As `hexdump -C` has it, of the first `bytesMax`. */
export function hexDump(bytes: Uint8Array, bytesMax: number): string {
  const lines: string[] = []
  for (let at = 0; at < Math.min(bytes.length, bytesMax); at += LINE) {
    const line = bytes.subarray(at, Math.min(at + LINE, bytes.length, bytesMax))
    const hex = Array.from({ length: LINE }, (_, n) => line[n]?.toString(16).padStart(2, '0') ?? '  ')
    const text = Array.from(line, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
    lines.push(
      `${at.toString(16).padStart(8, '0')}  ${hex.slice(0, 8).join(' ')}  ${hex.slice(8).join(' ')}  |${text.padEnd(LINE)}|`,
    )
  }
  return lines.join('\n')
}

/** Null: it is not UTF-8. */
export function utf8Of(bytes: Uint8Array): string | null {
  try {
    // A byte order mark is a part of what was sent.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}

export const bytesOfHex = (hex: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(hex.match(/[0-9a-f]{2}/gi) ?? [], (pair) => Number.parseInt(pair, 16))

/** Deepest nesting that is indented. */
const DEPTH_MAX = 200
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/**
 * JSON on lines, each number and string as it was spelled: parsed and written again, `1.0` would become `1`, a long number
 * another one, and a name that is there twice would be there once. Null: it is not JSON.
 */
export function indentJson(text: string): string | null {
  try {
    JSON.parse(text)
  } catch {
    return null
  }
  const out: string[] = []
  let depth = 0
  let last = ''
  const line = (): void => {
    out.push(`\n${'  '.repeat(Math.min(depth, DEPTH_MAX))}`)
  }
  for (const [token] of text.matchAll(TOKEN)) {
    const closes = token === '}' || token === ']'
    if (closes) {
      depth--
      if (last !== '{' && last !== '[') line()
    } else if (last === '{' || last === '[' || last === ',') line()
    out.push(token === ':' ? ': ' : token)
    if (token === '{' || token === '[') depth++
    last = token
  }
  return out.join('')
}

/** `notes-dead-letters-3-17.bin`, whatever the topic is named. */
export const fileName = (at: string, isJson: boolean): string =>
  `${at.replace(/[^A-Za-z0-9._-]+/g, '-')}.${isJson ? 'json' : 'bin'}`
