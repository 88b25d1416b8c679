/** What the checker finds, by name. */
export type AnomalyKind =
  /** An input without an output that it must have, or a committed record that a reader was not given (lost write, poll skip). */
  | 'lost'
  /** An output twice, or an id given twice (duplicate, nonmonotonic poll). */
  | 'doubled'
  /** Two outputs of one character in another order than their inputs. */
  | 'reordered'
  /** A committed output that no input caused, or an aborted one that was read (G1a). */
  | 'phantom'
  /** A part of a transaction without the rest (G1b, read atomicity). */
  | 'torn'
  /** Kept state as of before the last event. */
  | 'stale'
  /** An output with other contents, headers or timestamp than its input demands. */
  | 'wrong'
  /** An output on another partition than its character's. */
  | 'misplaced'
  /** Redis or the changelog says otherwise than the outputs. */
  | 'state'
  /** The group's offsets and the changelog's checkpoints differ, or batch numbers have a gap. */
  | 'offsets'
  /** A topic whose last stable offset is not its end: a transaction is still open. */
  | 'open'

export interface Anomaly {
  readonly kind: AnomalyKind
  readonly message: string
}

/** Named in full up to here, then only counted. */
const SHOWN_MAX = 15

export class Report {
  readonly anomalies: Anomaly[] = []
  readonly facts: Record<string, number> = {}

  add(kind: AnomalyKind, message: string): void {
    this.anomalies.push({ kind, message })
  }

  fact(name: string, value: number): void {
    this.facts[name] = (this.facts[name] ?? 0) + value
  }

  count(kind: AnomalyKind): number {
    return this.anomalies.filter((a) => a.kind === kind).length
  }

  /** Empty when nothing is wrong. */
  get text(): string {
    const lines = this.anomalies.slice(0, SHOWN_MAX).map(({ kind, message }) => `${kind}: ${message}`)
    const more = this.anomalies.length - lines.length
    return more > 0 ? [...lines, `… and ${more} more`].join('\n') : lines.join('\n')
  }
}
