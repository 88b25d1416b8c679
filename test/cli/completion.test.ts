/** Completion scripts, run by the shells that are here; and the reference that is made of the same tree. */
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { nodesOf, treeOf } from '../../cli/command-tree.ts'
import { completionScript, SHELLS } from '../../cli/core/completion.ts'
import { buildProgram } from '../../cli/program.ts'
import { PAGE, updated } from '../../cli/reference.ts'

const io = { env: {}, out: () => {}, err: () => {}, runningStack: () => null }
const tree = treeOf(buildProgram(io, async () => {}))
const isHere = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0

test.each(SHELLS)('%s knows every command and option', (shell) => {
  const script = completionScript(tree, shell)
  for (const node of nodesOf(tree)) {
    for (const word of node.path) expect(script, node.path.join(' ')).toContain(word)
    for (const { name } of node.options) expect(script).toContain(name.slice(2))
  }
})

describe.skipIf(!isHere('bash'))('bash', () => {
  const complete = (...words: string[]): string[] =>
    execFileSync('bash', [
      '-c',
      `${completionScript(tree, 'bash')}
COMP_WORDS=(tributary ${words.map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${words.length}
_tributary
printf '%s\\n' "\${COMPREPLY[@]}"`,
    ])
      .toString()
      .split('\n')
      .filter((word) => word !== '')

  test.each([
    [['to'], ['top', 'topology']],
    [
      ['state', ''],
      ['get', 'history', 'export', '--help'],
    ],
    [['state', 'get', 'c'], ['character']],
    [['state', 'get', 'character', '7', '--t'], ['--tenant']],
    [['dead-letters', 'replay', '3@1', '--e'], ['--execute']],
    [['nonsense', 'pa'], ['pause']],
  ])('%j', (words, expected) => {
    expect(complete(...words)).toEqual(expected)
  })
})

test.each(['zsh', 'fish'] as const)('%s accepts its script', (shell) => {
  // Where it is not installed there is nothing to ask.
  if (!isHere(shell)) return
  const { status, stderr } = spawnSync(shell, ['-n'], { input: completionScript(tree, shell) })
  expect({ status, stderr: String(stderr) }).toEqual({ status: 0, stderr: '' })
})

test('docs/cli.md has the reference as it is (node cli/reference.ts writes it)', () => {
  const page = readFileSync(PAGE, 'utf8')
  expect(updated(page)).toBe(page)
})
