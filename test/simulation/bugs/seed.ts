/**
 * Puts a bug into the engine, or small limits that short histories reach, by changing a file's text while Node loads it.
 * Nothing in the shipped code knows of it. Must be called before the engine is imported.
 */
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Edit } from './edit.ts'
import { LIMITS } from './limits.ts'
import { BUGS } from './list.ts'

const ROOT = new URL('../../../', import.meta.url)

export function seedBug(name: string | null): void {
  const bug = BUGS.find((b) => b.name === name)
  if (name !== null && !bug) throw new Error(`no bug is named ${name}: ${BUGS.map((b) => b.name).join(', ')}`)
  const byUrl = new Map<string, Edit[]>()
  for (const edit of [...LIMITS, ...(bug?.edits ?? [])]) {
    const url = new URL(edit.file, ROOT).href
    byUrl.set(url, [...(byUrl.get(url) ?? []), edit])
  }
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context)
      const edits = byUrl.get(url)
      return edits ? { ...loaded, source: edits.reduce(edited, readFileSync(fileURLToPath(url), 'utf8')) } : loaded
    },
  })
}

/** Throws when the text is not there exactly once: the code has changed, and the edit must follow it. */
export function edited(text: string, { file, find, replace }: Edit): string {
  const parts = text.split(find)
  if (parts.length !== 2) throw new Error(`${file}: the text to change is there ${parts.length - 1} times: ${find}`)
  return parts.join(replace)
}
