/** Kafka's own command line tools, run from the cached libraries: an independent client for tests and for operators. */
import { text } from 'node:stream/consumers'
import { type GuardedChild, spawnGuarded } from './guarded-child.ts'
import { kafkaLibraries } from './kafka-libraries.ts'

export interface JavaToolOptions {
  /** SIGKILL after so long. */
  readonly timeoutMs?: number
  /** JVM options; by default those of a quick start. */
  readonly jvm?: readonly string[]
}

export interface JavaToolResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const TOOL_TIMEOUT_MS = 60_000
/** The first compiler level only: tools live for a second or two. */
const TOOL_JVM = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx256m']

/**
 * Runs a class of the Kafka libraries to its end, for instance
 * `javaTool('org.apache.kafka.tools.consumer.ConsoleConsumer', ['--bootstrap-server', …, '--timeout-ms', '3000'])`.
 * Its logging (warnings) is on stderr, so stdout is the tool's own. A failure is an exit code, not an exception.
 */
export async function javaTool(
  mainClass: string,
  args: readonly string[],
  options: JavaToolOptions = {},
): Promise<JavaToolResult> {
  const child = await spawnJavaTool(mainClass, args, options)
  const timer = setTimeout(() => child.signal('SIGKILL'), options.timeoutMs ?? TOOL_TIMEOUT_MS)
  const [stdout, stderr, { code }] = await Promise.all([text(child.stdout!), text(child.stderr!), child.exited])
  clearTimeout(timer)
  return { code, stdout, stderr }
}

/** As javaTool, for one that runs on: the caller reads its output and ends it with `signal`. */
export async function spawnJavaTool(
  mainClass: string,
  args: readonly string[],
  options: Pick<JavaToolOptions, 'jvm'> = {},
): Promise<GuardedChild> {
  const { java, classpath, toolLogging } = await kafkaLibraries(() => {})
  return spawnGuarded({
    command: java.command,
    args: [...(options.jvm ?? TOOL_JVM), toolLogging, '-cp', classpath, mainClass, ...args],
  })
}
