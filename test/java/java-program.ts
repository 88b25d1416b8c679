/**
 * Runs the small Java programs of this folder against Apache Kafka's own libraries. Owns their compiled classes, once per
 * process in a temporary folder. Needs a JDK, not only a JRE.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type GuardedChild, spawnGuarded } from '../../embedded/guarded-child.ts'
import { kafkaLibraries } from '../../embedded/kafka-libraries.ts'

const JVM = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx512m']
const COMPILE_TIMEOUT_MS = 60_000

/** Classes: the folder; started once. */
let compiled: Promise<string> | undefined

async function compile(): Promise<string> {
  const { java, classpath } = await kafkaLibraries(() => {})
  const folder = mkdtempSync(join(tmpdir(), 'tributary-java-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const compiler = ['-m', 'jdk.compiler/com.sun.tools.javac.Main']
  // The java launcher expands `libs/*`, the compiler started as a module does not.
  const libraries = dirname(classpath)
  const jars = readdirSync(libraries).map((name) => join(libraries, name))
  const sources = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.java'))
    .map((name) => join(import.meta.dirname, name))
  const child = await spawnGuarded({
    command: java.command,
    args: [...compiler, '-encoding', 'UTF-8', '-cp', jars.join(delimiter), '-d', folder, ...sources],
  })
  const timer = setTimeout(() => child.signal('SIGKILL'), COMPILE_TIMEOUT_MS)
  const [out, error, { code }] = await Promise.all([text(child.stdout!), text(child.stderr!), child.exited])
  clearTimeout(timer)
  if (code !== 0) throw new Error(`javac: exit code ${code}: ${out}${error} (a JDK is needed, a JRE has no compiler)`)
  return folder
}

/** Starts a program of this folder; its standard output and error are pipes on the handle. */
export async function spawnJavaProgram(mainClass: string, args: readonly string[]): Promise<GuardedChild> {
  const { java, classpath, toolLogging } = await kafkaLibraries(() => {})
  compiled ??= compile()
  const folder = await compiled
  return spawnGuarded({
    command: java.command,
    args: [...JVM, toolLogging, '-cp', `${folder}${delimiter}${classpath}`, mainClass, ...args],
  })
}

/** Runs one to its end: what it printed. Throws when it fails. */
export async function runJavaProgram(mainClass: string, args: readonly string[]): Promise<string> {
  const child = await spawnJavaProgram(mainClass, args)
  const [out, error, { code }] = await Promise.all([text(child.stdout!), text(child.stderr!), child.exited])
  if (code !== 0) throw new Error(`${mainClass} ended with ${code}: ${error}`)
  return out
}
