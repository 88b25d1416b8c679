/** `tributary config`: what is in effect, and where it came from. Reaches out to nothing. */
import { explainConfig, maskedUrl } from '../../config.ts'
import { table } from '../core/table.ts'
import { EXIT } from '../errors.ts'
import { json, type Register, withJson } from './command.ts'

export const configCommand: Register = (parent, io, run) => {
  withJson(parent.command('config'))
    .description('the effective configuration, secrets masked, with where each value came from')
    .action((options: { json?: true }) =>
      run(async () => {
        const stack = io.runningStack()
        const running = stack && { BOOTSTRAP_SERVERS: stack.bootstrapServers, REDIS_URL: maskedUrl(stack.redisUrl) }
        const variables = explainConfig(io.env).map((variable) => {
          const value = variable.value === null ? running?.[variable.name as keyof typeof running] : undefined
          return value === undefined ? variable : { ...variable, value, from: 'running stack' as const }
        })
        io.out(
          options.json
            ? json({ variables })
            : table(
                ['VARIABLE', 'VALUE', 'FROM'],
                variables.map(({ name, value, from }) => [name, value === null ? null : String(value), from]),
              ),
        )
        return EXIT.ok
      }),
    )
}
