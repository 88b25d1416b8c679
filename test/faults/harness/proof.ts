/** What the proofs share: whether they can run here, sizes, pauses, and one line of result each. */
import { findJava, onPath, outputOf } from '../../../embedded/java.ts'
import { KAFKA_CACHE } from '../../../embedded/kafka-libraries.ts'
import { cachedArtifacts } from '../../../embedded/maven-cache.ts'
import { partitionOf } from '../checker/murmur2.ts'
import type { Arrival } from './scenario.ts'

/** Why the proofs cannot run here; empty when they can. */
export async function impossible(): Promise<string> {
  const java = await findJava()
  if (!java) return 'skipped: no Java'
  if (!(cachedArtifacts(KAFKA_CACHE) || onPath('mvn'))) return 'skipped: no Maven on the PATH'
  if (!(await outputOf(java.command, ['--list-modules']))?.includes('jdk.compiler'))
    return 'skipped: Java without a compiler (a JRE)'
  return ''
}

/** A size: PROOF_<NAME>, else the one of the ordinary run. */
export const size = (name: string, ordinary: number): number => Number(process.env[`PROOF_${name}`] ?? ordinary)

/** A result worth reading: printed, for a proof that passes silently tells nothing. */
export const tell = (line: string): void => void process.stderr.write(`proof: ${line}\n`)

/** The longest silence of each task's events between two moments, ms. */
export function pauses(arrivals: readonly Arrival[], tasks: number, fromMs: number, toMs: number): readonly number[] {
  const longest = new Array<number>(tasks).fill(0)
  const last = new Array<number>(tasks).fill(fromMs)
  for (const { record, atMs } of arrivals) {
    if (atMs < fromMs || atMs > toMs) continue
    const task = partitionOf(record.key!.readUInt32LE(0), tasks)
    longest[task] = Math.max(longest[task]!, atMs - last[task]!)
    last[task] = atMs
  }
  return longest.map((ms, task) => Math.round(Math.max(ms, toMs - last[task]!)))
}
