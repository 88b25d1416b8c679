/** What a batch counts. Reported once, when the batch is committed: a batch done again is not counted twice. */
export class BatchTally {
  records = 0
  forwarded = 0
  keyMismatches = 0
  newTraces = 0
  /** Records written to sinks, by topic. */
  readonly written = new Map<string, number>()
  /** By topic, then type. */
  readonly byType = new Map<string, Map<string, number>>()
  /** By reason. */
  readonly drops = new Map<string, number>()
  /** By `topic\0code`. */
  readonly deadLetters = new Map<string, number>()
  /**
   * When the records were made whose way ends here (a forwarded one's goes on; a replayed one was made long ago and sent
   * again): timestamp in ms and number of records by turns, one pair per run of equal timestamps. At most two numbers a record.
   */
  readonly timestamps: number[] = []

  processed(topic: string, type: string): void {
    let types = this.byType.get(topic)
    if (!types) this.byType.set(topic, (types = new Map()))
    add(types, type, 1)
  }

  ended(timestampMs: number): void {
    const last = this.timestamps.length - 2
    if (last >= 0 && this.timestamps[last] === timestampMs) this.timestamps[last + 1]! += 1
    else this.timestamps.push(timestampMs, 1)
  }

  wrote(topic: string): void {
    add(this.written, topic, 1)
  }

  dropped(reason: string, count: number): void {
    add(this.drops, reason, count)
  }

  buried(topic: string, code: string): void {
    add(this.deadLetters, `${topic}\0${code}`, 1)
  }
}

function add(map: Map<string, number>, key: string, count: number): void {
  map.set(key, (map.get(key) ?? 0) + count)
}
