/**
 * The command line as a function: arguments in, exit code out. Owns the one place where errors become lines and exit
 * codes. The commands: program.ts.
 */
import { CommanderError } from 'commander'
import { ConfigError } from '../config.ts'
import { StartError } from '../engine/core/start-error.ts'
import { KafkaOptionsError } from '../engine/kafka/options.ts'
import { KafkaRefused } from '../engine/kafka/refused.ts'
import { RequestLost } from '../engine/ports.ts'
import { WireError } from '../engine/wire/wire-error.ts'
import { OperationError } from '../operations/errors.ts'
import { StoreLost } from '../stores/ports.ts'
import { SubscribeError } from '../subscribe/errors.ts'
import type { Run } from './commands/command.ts'
import type { Io } from './context.ts'
import { EXIT, type Exit, exitOf } from './errors.ts'
import { buildProgram } from './program.ts'

/** `argv` without the program's own name. Never throws. */
export async function runCli(argv: readonly string[], io: Io): Promise<Exit> {
  let exit: Exit = EXIT.ok
  const run: Run = async (work) => {
    exit = await work()
  }
  try {
    await buildProgram(io, run).parseAsync([...argv], { from: 'user' })
    return exit
  } catch (error) {
    return failed(error, io)
  }
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
  if (error instanceof OperationError) return say(error.code, error.message, exitOf(error.kind))
  if (error instanceof KafkaOptionsError) return say(error.code, error.message, EXIT.usage)
  if (error instanceof RequestLost) return say('kafka.unreachable', error.message, EXIT.unreachable)
  if (error instanceof KafkaRefused) return say(error.code, error.message, EXIT.unreachable)
  if (error instanceof StoreLost) return say(error.code, error.message, EXIT.unreachable)
  if (error instanceof WireError || error instanceof StartError || error instanceof SubscribeError)
    return say(error.code, error.message, EXIT.negative)
  return say('cli.defect', error instanceof Error ? (error.stack ?? error.message) : String(error), EXIT.negative)
}
