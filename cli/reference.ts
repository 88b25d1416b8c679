/**
 * docs/cli.md's reference, made of the tree of commands. Run, it writes it; a test compares:
 *
 *   node cli/reference.ts
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type CommandNode, nodesOf, treeOf } from './command-tree.ts'
import { buildProgram } from './program.ts'

export const PAGE = join(resolve(import.meta.dirname, '..'), 'docs/cli.md')
const BEGIN = '<!-- reference: written by node cli/reference.ts -->'
const END = '<!-- end of the reference -->'

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '\\<').replaceAll('>', '\\>')

/** A heading for each command that does something, the commands of a group below each other. */
function reference(tree: CommandNode): string {
  return nodesOf(tree)
    .filter((node) => node.commands.length === 0)
    .map((node) => {
      const args = node.arguments.map(({ name }) => ` ${name}`).join('')
      const rows = [
        ...node.arguments.map(({ name, description }) => `| \`${name}\` | ${cell(description)} | |`),
        ...node.options.map(
          ({ flags, description, initial }) => `| \`${flags}\` | ${cell(description)} | ${initial ?? ''} |`,
        ),
      ]
      const sentence = `${node.description[0]!.toUpperCase()}${node.description.slice(1)}.`
      return `### ${node.path.join(' ')}\n\n\`tributary ${node.path.join(' ')}${args}\`. ${cell(sentence)}\n\n| | | default |\n|---|---|---|\n${rows.join('\n')}\n`
    })
    .join('\n')
}

/** The page with the reference as it is to be. Throws when the marks are not there. */
export function updated(page: string): string {
  const [before, rest] = page.split(BEGIN)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined) throw new Error(`${PAGE} has no marks for the reference`)
  const io = { env: {}, out: () => {}, err: () => {}, runningStack: () => null }
  const program = buildProgram(io, async () => {})
  return `${before}${BEGIN}\n\n${reference(treeOf(program))}\n${END}${after}`
}

if (process.argv[1] === import.meta.filename) writeFileSync(PAGE, updated(readFileSync(PAGE, 'utf8')))
