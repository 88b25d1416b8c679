/** Bugs of takeover, restore and recovery. */
import { type Bug, bug, edit } from './edit.ts'

const TAKEOVER = 'engine/core/takeover.ts'
const DRIVER = 'engine/takeover-driver.ts'

export const TAKEOVER_BUGS: readonly Bug[] = [
  // The port asks READ_UNCOMMITTED; a broker asked for READ_COMMITTED answers its last stable offset.
  bug(
    'restore bound is the last stable offset',
    edit('testing/kafka/admin-clients.ts', 'latest: log.end', 'latest: log.lastStableOffset'),
  ),
  bug(
    'offset fetch without requireStable',
    edit(DRIVER, 'group.offsets(command.partitions, true)', 'group.offsets(command.partitions, false)'),
  ),
  bug(
    'woken member writes its token without a heartbeat',
    edit(
      TAKEOVER,
      "    this.step = 'heartbeat'\n    return this.#heartbeat(0)",
      "    this.step = 'claim'\n    return { kind: 'claim' }",
    ),
  ),
  // A second takeover of the same process writes no token: fine until the store has been emptied.
  bug(
    'recovery entered behind (b)',
    edit('engine/instance.ts', 'newToken: randomUUID', 'newToken: () => this.transactionalId'),
    edit(
      'stores/memory/task-commands.ts',
      "      this.#set('owner', owner.token)\n",
      "      const claims = ((this.#keyspace as any).claims ??= new Set())\n      const own = this.#field('owner')\n      if (claims.has(this.#keys.task + owner.token) && (own === null || own === owner.token)) return { kind: 'claimed', checkpoint: text ?? '' }\n      claims.add(this.#keys.task + owner.token)\n      this.#set('owner', owner.token)\n",
    ),
  ),
  bug(
    'recovery keeps memory',
    edit('engine/task.ts', '  #drop(): void {', '  #drop(keep = false): void {'),
    edit('engine/task.ts', '    this.#memory.clear()\n', '    if (!keep) this.#memory.clear()\n'),
    edit('engine/task.ts', '    this.#drop()\n    const verdict', '    this.#drop(true)\n    const verdict'),
  ),
  bug(
    "takeover begun before the lane's transaction with the task has ended",
    edit('engine/task.ts', '      if (this.#inLane) this.#outOfLane = begin\n      else this', '      this'),
  ),
  bug(
    'counters from Redis',
    edit(TAKEOVER, 'this.#restored?.counters ??', 'this.#stored?.counters ?? this.#restored?.counters ??'),
  ),
  bug(
    'replay from after the checkpoint record',
    edit(TAKEOVER, 'position(Math.max(start, base.firstOffset))', 'position(Math.max(start, base.offset + 1))'),
    edit(
      'engine/core/restore.ts',
      'if (base && base.batch > 0 && (!this.#last || this.#last.record.batch < base.batch))',
      'if (false)',
    ),
  ),
  bug(
    'tombstones older than delete.retention.ms replayed as if complete',
    edit(TAKEOVER, 'baseIsFresh: isFresh(nowMs() - base.committedAtMs, deleteRetentionMs)', 'baseIsFresh: true'),
  ),
  bug(
    'position passes what is fetched and waits',
    edit('engine/core/intake.ts', '.filter(({ isEmpty }) => isEmpty)', '.filter(() => true)'),
  ),
  bug(
    'answer to a fetch sent before our own abort accepted',
    edit(
      'engine/fetcher.ts',
      '      const { task, attempt, intake } = ask\n      if (\n        task.attempt !== attempt ||\n        !task.intake?.partitions.includes(intake) ||\n        answer.asked !== intake.fetchPosition\n      )\n        continue',
      '      const { task } = ask\n      const intake = task.intake?.partitions.find((p) => p.topic === answer.topic && p.partition === answer.partition)\n      if (!intake) continue',
    ),
  ),
  bug(
    'aborted filter that trusts markers',
    edit(
      'engine/wire/fetched-records.ts',
      '    this.#filter = new ReadCommittedFilter(aborted)',
      `    const markers: { producerId: bigint; offset: number }[] = []
    for (let at = 0, h = readBatchHeader(records, at); h; at = h.end, h = readBatchHeader(records, at)) if (h.isControl) markers.push({ producerId: h.producerId, offset: h.baseOffset })
    this.#filter = new ReadCommittedFilter(aborted.filter((a) => markers.some((m) => m.producerId === a.producerId && m.offset >= a.firstOffset)))`,
    ),
  ),
  bug(
    'one aborted range per producer',
    edit(
      'engine/core/read-committed.ts',
      'aborted.length < 2 ? aborted :',
      'true ? aborted.filter((a, i) => aborted.findIndex((b) => b.producerId === a.producerId) === i) :',
    ),
  ),
]
