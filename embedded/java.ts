/** Java and other programs on this machine: found, and new enough. Starts nothing that lasts. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Apache Kafka 4 brokers need Java 17. */
export const JAVA_VERSION_MIN = 17

export interface Java {
  readonly command: string
  /** Feature release: 17, 21, … */
  readonly version: number
}

let found: Promise<Java | undefined> | undefined

/** The Java of JAVA_HOME, else of the PATH, that is new enough; undefined when there is none. Asked once a process. */
export function findJava(): Promise<Java | undefined> {
  found ??= searchJava(process.env)
  return found
}

async function searchJava(env: NodeJS.ProcessEnv): Promise<Java | undefined> {
  const commands = ['java']
  if (env.JAVA_HOME) commands.unshift(join(env.JAVA_HOME, 'bin', 'java'))
  for (const command of commands) {
    // Run, not only found: macOS has a /usr/bin/java that does nothing but say that there is none.
    const version = parseJavaVersion(await outputOf(command, ['-version']))
    if (version !== undefined && version >= JAVA_VERSION_MIN) return { command, version }
  }
  return undefined
}

/** `openjdk version "17.0.15" …` → 17; the old style `"1.8.0_392"` → 8. */
export function parseJavaVersion(output: string | undefined): number | undefined {
  const match = output === undefined ? null : /version "(?:1\.)?(\d+)/.exec(output)
  return match ? Number(match[1]) : undefined
}

/** True when a program of this name is on the PATH. */
export function onPath(program: string, env: NodeJS.ProcessEnv = process.env): boolean {
  return (env.PATH ?? '').split(':').some((folder) => folder !== '' && existsSync(join(folder, program)))
}

/** Standard output and error of a short command; undefined when it cannot be run or fails. */
export async function outputOf(command: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await run(command, [...args], { timeout: 10_000, maxBuffer: 1 << 20 })
    return stdout + stderr
  } catch {
    return undefined
  }
}
