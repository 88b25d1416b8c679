/** The commands that a remedy names: between back-ticks, from `tributary` on, `<…>` for what only the operator knows. */
import { stopCodes } from '../../engine/core/stop-codes.ts'

export interface NamedCommand {
  readonly code: string
  /** As it stands in the text, without `tributary `. */
  readonly text: string
}

export const commandsIn = (remedy: string): readonly string[] =>
  [...remedy.matchAll(/`tributary ([^`]+)`/g)].map(([, text = '']) => text)

export const namedCommands: readonly NamedCommand[] = Object.entries(stopCodes).flatMap(([code, { remedy }]) =>
  commandsIn(remedy).map((text) => ({ code, text })),
)

/** The words of a command, with the operator's values for its `<…>`. */
export function wordsOf(text: string, values: Readonly<Record<string, string | number>> = {}): readonly string[] {
  const filled = text.replace(/<([a-z]+)>/g, (_, name: string) => {
    if (!(name in values)) throw new Error(`"${text}" needs a value for <${name}>`)
    return String(values[name])
  })
  return filled.split(' ')
}
