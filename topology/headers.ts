/** Headers of a record as the language sees them: names are case-sensitive, a name may be given more than once. */
export interface RecordHeaders {
  /** Values under this name, in order; null is a header without a value. */
  values(name: string): readonly (Buffer | null)[]
}

export type HeaderEntry = readonly [name: string, value: Buffer | null]

/** The last value under this name for which `wellFormed` answers something; undefined if there is none. */
export function lastWellFormed<T>(
  headers: RecordHeaders,
  name: string,
  parse: (value: Buffer) => T | undefined,
): T | undefined {
  const values = headers.values(name)
  for (let i = values.length - 1; i >= 0; i--) {
    const value = values[i]
    if (!value) continue
    const parsed = parse(value)
    if (parsed !== undefined) return parsed
  }
  return undefined
}
