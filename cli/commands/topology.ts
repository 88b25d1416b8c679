/** `tributary topology`: what is declared. Reaches out to nothing. */

import { describe } from '../../topology/describe.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { EXIT } from '../errors.ts'
import { json, type Register } from './command.ts'

export const topologyCommand: Register = (parent, io, run) => {
  parent
    .command('topology')
    .description('print the topology: sources, handlers, stores, sinks')
    .option('--text', 'as text (the default)')
    .option('--json', 'as JSON')
    .option('--mermaid', 'as a Mermaid flowchart')
    .action((options: { text?: true; json?: true; mermaid?: true }, command) =>
      run(async () => {
        if ([options.text, options.json, options.mermaid].filter(Boolean).length > 1)
          command.error('error: give one of --text, --json and --mermaid')
        const described = describe(noteTopology)
        io.out(options.json ? json(described.json) : options.mermaid ? described.mermaid : described.text)
        return EXIT.ok
      }),
    )
}
