/** Bugs of the transaction loop and of a batch. */
import { type Bug, bug, edit } from './edit.ts'

const LANE = 'engine/core/lane.ts'
const LANE_DRIVER = 'engine/lane-driver.ts'
const PIPELINE = 'engine/pipeline.ts'
const BATCH = 'engine/core/batch.ts'
const GUARD = 'engine/lane-guard.ts'
const HANGING = 'engine/core/hanging.ts'
const MENDER = 'engine/mender.ts'
const VIEW = 'engine/core/state-view.ts'

const INIT_AT_ONCE = edit(
  GUARD,
  '    const state = await this.look()\n    // Init',
  "    const state = 'clean' as OwnState\n    // Init",
)

export const LANE_BUGS: readonly Bug[] = [
  bug(
    'commit with one Produce partition in error',
    edit(
      LANE,
      "    const worst = worstOf(codes)\n    const kind = classify(worst.code)\n    if (kind === 'NONE') {",
      '    const worst = worstOf(codes)\n    const kind = classify(worst.code)\n    if (codes.some((c) => c.code === 0)) {',
    ),
  ),
  bug(
    'abort of N keeps N+1',
    edit(
      PIPELINE,
      '    this.attempt = this.#hooks.newAttempt()\n    this.#queue = []',
      '    this.attempt = this.#hooks.newAttempt()\n    this.#queue = this.#queue.slice(1)',
    ),
  ),
  bug(
    'apply to Redis before the commit',
    edit(
      LANE_DRIVER,
      "      case 'end': {\n",
      "      case 'end': {\n        if (command.commit) this.#open!.parts.forEach(({ task }, i) => task.settled({ kind: 'committed' }, [...this.#open!.published[i]!.values()]))\n",
    ),
  ),
  bug(
    'lost EndTxn answer taken as aborted',
    edit(
      LANE,
      "    this.#expect('ending', 'aborting')\n    return this.#endAgain(RETRY_MS, nowMs)",
      "    this.#expect('ending', 'aborting')\n    this.phase = 'initialising'\n    this.identity = null\n    return [{ kind: 'settle', outcome: { kind: 'redo', reason: 'lost ' + nowMs } }, { kind: 'init', delayMs: 0 }]",
    ),
  ),
  bug(
    'Produce before TxnOffsetCommit answered',
    edit(
      LANE_DRIVER,
      '        const offsets = this.#open!.parts.flatMap((p) => p.part.offsets)\n',
      '        const offsets = this.#open!.parts.flatMap((p) => p.part.offsets)\n        const own = this as any\n        if (!own.early) (own.early = this.#client.produce(this.#batchesOf(0, null))).catch(() => {})\n',
    ),
    edit(
      LANE_DRIVER,
      '        const answers = await this.#client.produce(batches)\n',
      '        const early = command.round === 0 && !command.only ? (this as any).early : null\n        ;(this as any).early = null\n        const answers = await (early ?? this.#client.produce(batches))\n',
    ),
    edit(
      LANE_DRIVER,
      '    if (!open) return\n    this.#open = null\n',
      '    if (!open) return\n    this.#open = null\n    ;(this as any).early = null\n',
    ),
  ),
  bug(
    'a transaction begins behind a hanging one',
    edit(GUARD, 'return this.#suspicions + this.#client.interruptions !== this.#looked', 'return false'),
  ),
  bug(
    'InitProducerId before it is known how the last transaction ended',
    INIT_AT_ONCE,
    // What the coordinator has written still tells; without it the harm can be seen.
    edit(
      MENDER,
      'const commit = code === 0 ? decidedIn(entries, open) : null',
      'const commit = null as boolean | null',
    ),
  ),
  bug(
    'hanging transaction aborted, whatever its coordinator has written',
    INIT_AT_ONCE,
    edit(HANGING, 'return found.size === 1 ? commit : null', 'return found.size === 1 ? false : null'),
  ),
  bug(
    'hanging transaction aborted, whatever was decided',
    edit(HANGING, "commit: decided[1] === 'Commit'", 'commit: false'),
    edit(HANGING, 'commit: known, markerEpoch', 'commit: false, markerEpoch'),
  ),
  bug(
    'LRU of one entry evicts what an unapplied batch read',
    edit(
      VIEW,
      '  readonly entries = new Map<string, string | null>()',
      '  readonly entries = new (class extends Map<string, string | null> {\n    override set(name: string, json: string | null) {\n      if (!this.has(name)) this.clear()\n      return super.set(name, json)\n    }\n  })()',
    ),
    edit(
      VIEW,
      '    if (json === undefined) throw new NotRead(name)\n    return',
      '    return json === undefined ? undefined :',
    ),
  ),
  bug(
    'whole-key read taken before EXEC(N) used after the merge',
    edit(
      VIEW,
      'for (const overlay of [this.#below, this.#own])',
      'for (const overlay of [(this.#below as any)?.applied ? null : this.#below, this.#own])',
    ),
    edit(
      PIPELINE,
      '    batch.mergeInto(this.#memory)\n',
      '    batch.mergeInto(this.#memory)\n    ;(batch.overlay as any).applied = true\n',
    ),
  ),
  // It was: a batch done again may begin with another partition's record.
  bug(
    'refused record taken for whatever comes first',
    edit(BATCH, 'this.#refusals.find((r) => isAt(r, item))', 'this.#next === 0 ? this.#refusals[0] : undefined'),
  ),
  bug(
    "idempotency entry expired by another record's clock",
    edit(
      'topology/notes/request-expiry.ts',
      'boolean => entry.expiresAt <= timestampMs\n',
      'boolean => entry.expiresAt <= (latestMs = Math.max(latestMs, timestampMs))\nlet latestMs = 0\n',
    ),
  ),
  bug(
    'idempotency entry removed as soon as it has expired',
    edit('topology/notes/request-expiry.ts', 'REMOVED_AFTER_MS = 2 * HOUR_MS', 'REMOVED_AFTER_MS = 0'),
  ),
  bug(
    'forwarded record without its origin',
    edit(
      BATCH,
      'encodeHeaders([...outsideHeaders(item), [ORIGIN_HEADER, encodeOrigin(item.origin)]])',
      'encodeHeaders(outsideHeaders(item))',
    ),
  ),
]
