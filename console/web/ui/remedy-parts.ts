/** A remedy's text taken apart into words and the commands that stand between backticks, as they can be run. Pure. */
export interface RemedyPart {
  readonly kind: 'text' | 'command'
  readonly text: string
}

export const remedyParts = (remedy: string): readonly RemedyPart[] =>
  remedy
    .split(/`([^`]+)`/)
    .map((text, at): RemedyPart => (at % 2 === 1 ? { kind: 'command', text: runnable(text) } : { kind: 'text', text }))
    .filter(({ text }) => text !== '')

/** `tributary` alone is on nobody's PATH: texts are shorter with it, and what is copied must run. */
const runnable = (command: string): string => command.replace(/^tributary /, 'npm run --silent tributary -- ')
