/** A script: what is said to a cluster, the same on every stage. `own` is a prefix for names that no other run uses. */
import type { Talk } from '../talk.ts'

export interface Script {
  readonly name: string
  play(talk: Talk, own: string): Promise<void>
}
