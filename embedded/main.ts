/**
 * `npm run stack`: Kafka and Redis alone, until SIGINT or SIGTERM. Reads EMBEDDED_KAFKA_PORT, EMBEDDED_REDIS_PORT and
 * EMBEDDED_DATA_DIR. Prints one JSON line on stdout when both serve; everything else goes to stderr.
 * Exit codes: 0 stopped by a signal, 1 could not start or a server ended, 2 a variable is wrong.
 */
import { constants } from 'node:os'
import { StackError } from './errors.ts'
import { onNpmGone } from './npm-parent.ts'
import { type Stack, startStack } from './stack.ts'
import { writeStackFile } from './stack-file.ts'

const PORT_MAX = 65_535

let stack: Stack | undefined
let removeFile = (): void => {}
let stopping = false

const say = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

/** Stops in order. A second time, or while the servers start, it exits at once: the guards then end every child. */
async function stop(why: string, code: number, codeAtOnce: number): Promise<void> {
  if (stopping || !stack) process.exit(codeAtOnce)
  stopping = true
  say(`${why}: stopping`)
  removeFile()
  await stack.stop()
  process.exit(code)
}

function portVariable(name: string): number | undefined {
  const text = process.env[name]
  if (text === undefined || text === '') return undefined
  const port = Number(text)
  if (/^\d+$/.test(text) && port >= 1 && port <= PORT_MAX) return port
  say(`${name} is "${text}", but must be a port number from 1 to ${PORT_MAX}.`)
  process.exit(2)
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => void stop(signal, 0, 128 + constants.signals[signal]))
}
onNpmGone(() => void stop('npm is gone', 1, 1))

const kafkaPort = portVariable('EMBEDDED_KAFKA_PORT')
const redisPort = portVariable('EMBEDDED_REDIS_PORT')
const dataDir = process.env.EMBEDDED_DATA_DIR

try {
  stack = await startStack({
    ...(kafkaPort === undefined ? {} : { kafkaPort }),
    ...(redisPort === undefined ? {} : { redisPort }),
    ...(dataDir ? { dataDir } : {}),
    progress: say,
  })
} catch (error) {
  say(error instanceof StackError ? `${error.code}: ${error.message}` : String(error))
  process.exit(1)
}
const { bootstrapServers, redisUrl } = stack
removeFile = writeStackFile({ bootstrapServers, redisUrl, pid: process.pid, startedAt: new Date().toISOString() })
process.stdout.write(`${JSON.stringify({ msg: 'ready', bootstrapServers, redisUrl })}\n`)
stack.ended.then((line) => {
  say(line)
  return stop('a server is gone', 1, 1)
})
