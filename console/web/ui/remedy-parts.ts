/** A remedy's text taken apart into words and the commands that stand between backticks. Pure. */
export interface RemedyPart {
  readonly kind: 'text' | 'command'
  readonly text: string
}

export const remedyParts = (remedy: string): readonly RemedyPart[] =>
  remedy
    .split(/`([^`]+)`/)
    .map((text, at): RemedyPart => ({ kind: at % 2 === 1 ? 'command' : 'text', text }))
    .filter(({ text }) => text !== '')
