/** Every seeded bug still names text that is there, so that a change of the engine cannot silence one. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { LIMITS } from './bugs/limits.ts'
import { BUGS } from './bugs/list.ts'
import { edited } from './bugs/seed.ts'

const ROOT = new URL('../../', import.meta.url)

describe('seeded bugs', () => {
  it.each([{ name: 'limits', edits: LIMITS }, ...BUGS])('$name', ({ edits }) => {
    const texts = new Map<string, string>()
    for (const edit of edits) {
      const before = texts.get(edit.file) ?? readFileSync(new URL(edit.file, ROOT), 'utf8')
      const after = edited(before, edit)
      expect(after).not.toBe(before)
      texts.set(edit.file, after)
    }
  })
})
