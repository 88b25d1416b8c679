/** The tree of commands. Owns which there are, and what the whole says of itself; runs nothing. */
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { changelogCommand } from './commands/changelog.ts'
import type { Run } from './commands/command.ts'
import { completionCommand } from './commands/completion.ts'
import { configCommand } from './commands/config.ts'
import { deadLettersCommand } from './commands/dead-letters.ts'
import { doctorCommand } from './commands/doctor.ts'
import { eventsCommand } from './commands/events.ts'
import { offsetsCommand } from './commands/offsets.ts'
import { pauseCommand } from './commands/pause.ts'
import { resetCommand, restoreCommand } from './commands/reset.ts'
import { stateCommand } from './commands/state.ts'
import { tasksCommand } from './commands/tasks.ts'
import { topCommand } from './commands/top.ts'
import { topologyCommand } from './commands/topology.ts'
import { verifyCommand } from './commands/verify.ts'
import type { Io } from './context.ts'

const HELP = `
Exit codes:
  0  done
  1  differences, nothing found, or refused
  2  usage or configuration
  3  Kafka or Redis cannot be reached, or does not answer

Environment: BOOTSTRAP_SERVERS, REDIS_URL, APPLICATION_ID, KAFKA_CONSUMER_GROUP and what else the service
reads. An address that is not set is that of the stack that runs on this machine (npm start, npm run stack).`

const { version: VERSION } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}

const COMMANDS = [
  tasksCommand,
  topCommand,
  eventsCommand,
  stateCommand,
  deadLettersCommand,
  verifyCommand,
  doctorCommand,
  pauseCommand,
  offsetsCommand,
  restoreCommand,
  changelogCommand,
  resetCommand,
  topologyCommand,
  configCommand,
  completionCommand,
]

export function buildProgram(io: Io, run: Run): Command {
  const program = new Command('tributary')
    .description('Operators’ commands of the note service.')
    .version(VERSION, '--version', 'print the version')
    .addHelpText('afterAll', HELP)
    .showHelpAfterError('(--help tells more)')
  for (const register of COMMANDS) register(program, io, run)
  for (const command of allOf(program)) {
    command.exitOverride().configureOutput({ writeOut: io.out, writeErr: io.err })
    command.helpCommand(false)
  }
  return program
}

export function allOf(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(allOf)]
}
