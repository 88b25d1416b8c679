/** A change of one place in one file, as text. */
export interface Edit {
  /** From the root of the repository. */
  readonly file: string
  /** Must be there exactly once. */
  readonly find: string
  readonly replace: string
}

export interface Bug {
  readonly name: string
  readonly edits: readonly Edit[]
}

export const edit = (file: string, find: string, replace: string): Edit => ({ file, find, replace })
export const bug = (name: string, ...edits: Edit[]): Bug => ({ name, edits })
