/**
 * The command line as a function: arguments in, exit code out. Owns the list of commands and the one place where errors
 * become lines and exit codes.
 */
import { Command, CommanderError } from 'commander'
import { ConfigError } from '../config.ts'
import { KafkaOptionsError } from '../engine/kafka/options.ts'
import { KafkaRefused } from '../engine/kafka/refused.ts'
import { RequestLost } from '../engine/ports.ts'
import { WireError } from '../engine/wire/wire-error.ts'
import { StoreLost } from '../stores/ports.ts'
import type { Run } from './commands/command.ts'
import { deadLettersCommand } from './commands/dead-letters.ts'
import { offsetsCommand } from './commands/offsets.ts'
import { stateCommand } from './commands/state.ts'
import { tasksCommand } from './commands/tasks.ts'
import { topologyCommand } from './commands/topology.ts'
import { verifyCommand } from './commands/verify.ts'
import type { Io } from './context.ts'
import { CliError, EXIT, type Exit } from './errors.ts'

const HELP = `
Exit codes:
  0  done
  1  differences, nothing found, or refused
  2  usage or configuration
  3  Kafka or Redis cannot be reached, or does not answer

Environment: BOOTSTRAP_SERVERS, REDIS_URL, APPLICATION_ID, KAFKA_CONSUMER_GROUP and what else the service
reads. An address that is not set is that of the stack that runs on this machine (npm start, npm run stack).`

const COMMANDS = [topologyCommand, tasksCommand, stateCommand, deadLettersCommand, verifyCommand, offsetsCommand]

/** `argv` without the program's own name. Never throws. */
export async function runCli(argv: readonly string[], io: Io): Promise<Exit> {
  let exit: Exit = EXIT.ok
  const run: Run = async (work) => {
    exit = await work()
  }
  const program = new Command('tributary')
    .description('Operators’ commands of the note service.')
    .addHelpText('afterAll', HELP)
    .showHelpAfterError('(--help tells more)')
  for (const register of COMMANDS) register(program, io, run)
  for (const command of allOf(program)) {
    command.exitOverride().configureOutput({ writeOut: io.out, writeErr: io.err })
    command.helpCommand(false)
  }
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return exit
  } catch (error) {
    return failed(error, io)
  }
}

function allOf(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(allOf)]
}

function failed(error: unknown, io: Io): Exit {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof ConfigError) {
    for (const line of error.lines) io.err(`${error.code}: ${line}\n`)
    return EXIT.usage
  }
  const say = (code: string, message: string, exit: Exit): Exit => {
    io.err(`${code}: ${message}\n`)
    return exit
  }
  if (error instanceof CliError) return say(error.code, error.message, error.exit)
  if (error instanceof KafkaOptionsError) return say(error.code, error.message, EXIT.usage)
  if (error instanceof RequestLost) return say('kafka.unreachable', error.message, EXIT.unreachable)
  if (error instanceof KafkaRefused) return say(error.code, error.message, EXIT.unreachable)
  if (error instanceof StoreLost) return say(error.code, error.message, EXIT.unreachable)
  if (error instanceof WireError) return say(error.code, error.message, EXIT.negative)
  return say('cli.defect', error instanceof Error ? (error.stack ?? error.message) : String(error), EXIT.negative)
}
