/** The repository's files as the structure tests look at them. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '../..')

/** Files that git knows or would add, relative to the root; without git those of the folder (a copy without history). */
export const files: readonly string[] = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard'],
  {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  },
)
  .split('\n')
  // Deleted and not yet committed.
  .filter((file) => file !== '' && existsSync(join(root, file)))

export const read = (file: string): string => readFileSync(join(root, file), 'utf8')

export const sources = (...folders: readonly string[]): readonly string[] =>
  files.filter((file) => /\.(tsx?|mts|mjs)$/.test(file) && folders.some((folder) => file.startsWith(folder)))

/** Sources of the program itself, tests and throw-away files not. */
export const programFiles: readonly string[] = files.filter(
  (file) => /\.(tsx?|mts|mjs)$/.test(file) && !/^(test\/|\.)/.test(file),
)

export interface Import {
  /** Path relative to the root, or the name of a module. */
  readonly target: string
  readonly local: boolean
  readonly typeOnly: boolean
}

const IMPORT =
  /^\s*(import|export)\b(?!\s*(?:const|let|class|function|interface|abstract|async|default|type\s+\w+\s*(?:=|<)))([^'";]*?)\bfrom\s+'([^']+)'/gm
const BARE = /^\s*import\s+'([^']+)'/gm
const DYNAMIC = /\bimport\(\s*'([^']+)'\s*\)/g

/** What a file imports, from its text: comments must not hold import statements at the beginning of a line. */
export function importsOf(file: string, text = read(file)): readonly Import[] {
  const found: Import[] = []
  const add = (specifier: string, typeOnly: boolean): void => {
    const local = specifier.startsWith('.')
    found.push({ target: local ? normalize(join(dirname(file), specifier)) : specifier, local, typeOnly })
  }
  for (const [, , clause, specifier] of text.matchAll(IMPORT)) add(specifier!, isTypeOnly(clause!))
  for (const [, specifier] of text.matchAll(BARE)) add(specifier!, false)
  for (const [, specifier] of text.matchAll(DYNAMIC)) add(specifier!, false)
  return found
}

function isTypeOnly(clause: string): boolean {
  if (/^\s*type\b/.test(clause)) return true
  const names = /^\s*\{([^}]*)\}\s*$/.exec(clause)?.[1]
  return names?.split(',').every((name) => name.trim() === '' || /^\s*type\s/.test(name)) ?? false
}

/** The text without comments and without the contents of strings, so that words in them are no code. */
export function codeOf(text: string): string {
  return text.replace(
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g,
    (match) => (match.startsWith('/*') || match.startsWith('//') ? ' ' : match[0]!.repeat(2)),
  )
}
