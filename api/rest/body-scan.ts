/**
 * What JSON.parse lets pass and an interface should not: a field given twice, a field called `__proto__`, and depth. Pure,
 * one pass over text that has been parsed already, without recursion.
 */
export type ScanProblem = 'deep' | 'twice' | 'proto'

/** Names of the fields so far, for an object; null for a list. */
type Level = Set<string> | null

export function scanJson(text: string, depthMax: number): ScanProblem | null {
  const levels: Level[] = []
  let nameIsNext = false
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '{':
      case '[':
        if (levels.length === depthMax) return 'deep'
        levels.push(text[at] === '{' ? new Set() : null)
        nameIsNext = text[at] === '{'
        break
      case '}':
      case ']':
        levels.pop()
        nameIsNext = false
        break
      case ',':
        nameIsNext = levels.at(-1) instanceof Set
        break
      case '"': {
        const end = endOfString(text, at)
        const names = levels.at(-1)
        if (nameIsNext && names) {
          const name = nameOf(text.slice(at, end + 1))
          if (name === '__proto__') return 'proto'
          if (names.has(name)) return 'twice'
          names.add(name)
          nameIsNext = false
        }
        at = end
        break
      }
      default:
    }
  }
  return null
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '"') return at
  }
  return text.length
}

/** Escapes count: `"a"` and `"\\u0061"` are one name. */
const nameOf = (literal: string): string =>
  literal.includes('\\') ? String(JSON.parse(literal)) : literal.slice(1, -1)
