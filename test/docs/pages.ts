/** The documentation's pages as its tests look at them: links, headings, tables, code. Owns how Markdown is read. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '../..')

export const read = (file: string): string => readFileSync(join(root, file), 'utf8')

/** Every Markdown page that is written for people, relative to the root. */
export const pages: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'stores/README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
]

/** Blocks between ``` lines, with what stands behind the opening ones. */
export const codeBlocks = (text: string): readonly { readonly language: string; readonly code: string }[] =>
  [...text.matchAll(/^```(\S*)\n([\s\S]*?)^```$/gm)].map(([, language = '', code = '']) => ({ language, code }))

export const withoutCode = (text: string): string => text.replace(/^```[\s\S]*?^```$/gm, '')

export interface Link {
  /** The page that is linked to, relative to the root; '' for one outside of the repository. */
  readonly file: string
  /** Behind the `#`; '' for none. */
  readonly anchor: string
  readonly text: string
}

export function linksOf(page: string): readonly Link[] {
  return [...withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => {
    if (/^[a-z]+:/.test(target)) return { file: '', anchor: '', text: target }
    const [path = '', anchor = ''] = target.split('#')
    return { file: path === '' ? page : join(dirname(page), path), anchor, text: target }
  })
}

/** Anchors of a page's headings, as GitHub makes them. */
export const anchorsOf = (page: string): readonly string[] =>
  [...withoutCode(read(page)).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

/** Text below a heading, up to the next one of the same level or above. */
export function section(text: string, heading: string): string {
  const lines = text.split('\n')
  const level = (line: string): number => /^(#+) /.exec(line)?.[1]?.length ?? Number.POSITIVE_INFINITY
  const at = lines.findIndex((line) => line.replace(/^#+ /, '') === heading && level(line) < Number.POSITIVE_INFINITY)
  if (at === -1) throw new Error(`there is no heading "${heading}"`)
  const next = lines.findIndex((line, i) => i > at && level(line) <= level(lines[at]!))
  return lines.slice(at + 1, next === -1 ? undefined : next).join('\n')
}

/** Cells of the rows of all tables, without the headers. Escapes and the back-ticks around a whole cell are taken off. */
export function rows(text: string): readonly (readonly string[])[] {
  const found: string[][] = []
  let inside = false
  for (const line of text.split('\n')) {
    if (!line.startsWith('|')) inside = false
    else if (/^\|[\s:|-]+\|$/.test(line)) inside = true
    else if (inside) found.push(cellsOf(line))
  }
  return found
}

const cellsOf = (line: string): string[] =>
  line
    .slice(1, line.lastIndexOf('|'))
    .split(/(?<!\\)\|/)
    .map((cell) =>
      cell
        .trim()
        .replace(/^`([^`]*)`$/, '$1')
        .replace(/\\([<>|\\])/g, '$1'),
    )
