/** `npm run --silent tributary -- <command>`: the command line as a process. */
import { processIo } from './context.ts'
import { EXIT } from './errors.ts'
import { runCli } from './run.ts'

const say = (code: string, message: string): void => void process.stderr.write(`${code}: ${message}\n`)

for (const [name, stream] of [['stdout', process.stdout] as const, ['stderr', process.stderr] as const])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that has seen enough (`| head`) is no error.
    if (error.code === 'EPIPE') process.exit()
    if (name === 'stdout') say('output.failed', `stdout takes no more: ${error.message}`)
    process.exit(EXIT.negative)
  })

// Not process.exit(): what is still in the pipe must be read.
process.exitCode = await runCli(process.argv.slice(2), processIo())
