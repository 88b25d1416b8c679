/** `tributary completion`: scripts for shells, from the tree of commands. Reaches out to nothing. */
import { Argument } from 'commander'
import { treeOf } from '../command-tree.ts'
import { completionScript, SHELLS, type Shell } from '../core/completion.ts'
import { EXIT } from '../errors.ts'
import { json, type Register, withJson } from './command.ts'

export const completionCommand: Register = (parent, io, run) => {
  withJson(parent.command('completion'))
    .description('print a completion script; it completes the word tributary, as an alias or function of that name')
    .summary('print a completion script')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .action((shell: Shell, options: { json?: true }) =>
      run(async () => {
        const script = completionScript(treeOf(parent), shell)
        io.out(options.json ? json({ shell, script }) : script)
        return EXIT.ok
      }),
    )
}
