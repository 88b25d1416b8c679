/** `npm run --silent tributary -- <command>`: the command line as a process. */
import { processIo } from './context.ts'
import { runCli } from './run.ts'

// A reader that has seen enough (`| head`) is no error.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit()
    throw error
  })

// Not process.exit(): what is still in the pipe must be read.
process.exitCode = await runCli(process.argv.slice(2), processIo())
