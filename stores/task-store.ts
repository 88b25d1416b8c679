/**
 * One attempt of one owner at one task, over any TaskCommands. Owns what the guard expects: the owner token, the text
 * of the checkpoint last sent, the steps since, the live version and the one under construction. Does not know how commands travel.
 *
 *   new ──claim──▶ claimed ──beginRebuild──▶ building ──switchTo──▶ claimed
 *    any of them ──refusal, lost command, close──▶ ended: every later call throws StoreLost `store.ended`
 */
import type { Guard, TaskCommands } from './commands.ts'
import { decodeCheckpoint, encodeCheckpoint } from './core/checkpoint-codec.ts'
import type { TaskKeys } from './core/keys.ts'
import { type LeftOut, placeReplies, planReads, SLICE_ALL_FIELDS_MAX, sortedEntries } from './core/read-plan.ts'
import { cutChanges, WritePlanner } from './core/write-plan.ts'
import type { Change, Checkpoint, OwnerLabel, ReadAnswer, ReadRequest, StoreLayout, TaskStore } from './ports.ts'
import { StoreForeign, StoreLost, StoreRefused } from './ports.ts'
import { Sweep } from './sweep.ts'

export interface TaskStoreParts {
  readonly layout: StoreLayout
  readonly keys: TaskKeys
  readonly commands: TaskCommands
  /** A fresh random state version per call. */
  readonly newVersion: () => string
}

export class GuardedTaskStore implements TaskStore {
  readonly #parts: TaskStoreParts
  readonly #sweep: Sweep
  #token: string | null = null
  /** Text of the checkpoint as of the last write *sent* on this connection: what a read sent now has to find. */
  #expected = ''
  /** Writes sent since the claim or that checkpoint that set none. */
  #step = 0
  #live: WritePlanner | null = null
  #liveVersion: string | null = null
  #building: WritePlanner | null = null
  #buildingVersion = ''
  #writing = false
  #ended: string | null = null

  constructor(parts: TaskStoreParts) {
    this.#parts = parts
    this.#sweep = new Sweep(parts.keys, parts.commands)
  }

  async claim(owner: OwnerLabel): Promise<Checkpoint | null> {
    this.#assertUsable()
    return this.#ending(async () => {
      const answer = await this.#parts.commands.claim(owner)
      if (answer.kind === 'foreign') throw new StoreForeign(answer)
      this.#token = owner.token
      this.#expected = answer.checkpoint
      this.#step = 0
      this.#buildingVersion = ''
      this.#building = null
      const checkpoint = decodeCheckpoint(answer.checkpoint)
      this.#setLive(checkpoint?.stateVersion ?? null)
      return checkpoint
    })
  }

  async read(requests: readonly ReadRequest[]): Promise<readonly ReadAnswer[]> {
    this.#claimed()
    const version = this.#liveVersion
    if (version === null) throw misuse('read() needs a live version: rebuild first')
    const { layout, keys, commands } = this.#parts
    return this.#ending(async () => {
      const answers = new Array<ReadAnswer>(requests.length)
      const leftOut: LeftOut[] = []
      for (const slice of planReads(layout, keys, version, requests)) {
        const replies = this.#allowed(await commands.read(this.#guard(), slice.keys))
        leftOut.push(...placeReplies(slice, replies, answers))
      }
      for (const left of leftOut) answers[left.request] = await this.#readWhole(left)
      return answers
    })
  }

  async apply(changes: readonly Change[], checkpoint: Checkpoint): Promise<void> {
    const planner = this.#livePlanner(checkpoint)
    await this.#write(planner, changes, encodeCheckpoint(checkpoint), '')
  }

  async replay(changes: readonly Change[], checkpoint: Checkpoint | null): Promise<void> {
    this.#claimed()
    if (this.#building === null) {
      const planner = this.#livePlanner(checkpoint)
      await this.#write(planner, changes, checkpoint === null ? '' : encodeCheckpoint(checkpoint), '')
      return
    }
    if (checkpoint !== null) throw misuse('a rebuild sets its checkpoint by switchTo() alone')
    await this.#write(this.#building, changes, '', this.#buildingVersion)
  }

  async beginRebuild(): Promise<string> {
    this.#claimed()
    const { layout, keys, commands, newVersion } = this.#parts
    const version = newVersion()
    return this.#exclusively(async () => {
      this.#sweep.restart()
      this.#granted(await commands.register(this.#guard(), version))
      this.#buildingVersion = version
      this.#building = new WritePlanner(layout, keys, version)
      return version
    })
  }

  async switchTo(checkpoint: Checkpoint): Promise<void> {
    this.#claimed()
    const version = this.#buildingVersion
    if (version === '' || checkpoint.stateVersion !== version) {
      throw misuse('switchTo() takes a checkpoint of the version under construction')
    }
    await this.#exclusively(async () => {
      this.#sweep.restart()
      const text = encodeCheckpoint(checkpoint)
      const sent = this.#parts.commands.switchTo(this.#guard(version), text)
      this.#checkpointSent(text)
      this.#granted(await sent)
      this.#setLive(version)
      this.#building = null
      this.#buildingVersion = ''
    })
  }

  async sweep(): Promise<boolean> {
    const token = this.#claimed()
    return this.#ending(async () => this.#allowed(await this.#sweep.step(token, this.#buildingVersion)))
  }

  async close(): Promise<void> {
    this.#ended ??= 'it was closed'
    await this.#parts.commands.close()
  }

  async #readWhole(left: LeftOut): Promise<ReadAnswer> {
    const { commands } = this.#parts
    if (left.fields <= SLICE_ALL_FIELDS_MAX) {
      const [reply] = this.#allowed(await commands.read(this.#guard(), [{ kind: 'all', key: left.key }]))
      if (typeof reply !== 'number') return { kind: 'all', entries: sortedEntries(reply ?? null) }
    }
    const found = new Map<string, string>()
    let cursor = '0'
    do {
      const page = this.#allowed(await commands.scanHash(this.#guard(), left.key, cursor))
      for (let at = 0; at + 1 < page.pairs.length; at += 2) found.set(page.pairs[at]!, page.pairs[at + 1]!)
      cursor = page.cursor
    } while (cursor !== '0')
    return { kind: 'all', entries: sortedEntries([...found].flat()) }
  }

  /** Chunk by chunk: the one that sets the checkpoint is sent when all others have answered OK. */
  async #write(planner: WritePlanner, changes: readonly Change[], checkpoint: string, building: string): Promise<void> {
    await this.#exclusively(async () => {
      const ends = cutChanges(changes)
      let from = 0
      for (const end of ends) {
        const plan = planner.plan(changes, from, end)
        const text = end === changes.length ? checkpoint : ''
        const sent = this.#parts.commands.write(this.#guard(building), plan, text)
        if (text === '') this.#step++
        else this.#checkpointSent(text)
        this.#granted(await sent)
        from = end
      }
    })
  }

  #guard(building = ''): Guard {
    return { token: this.#token ?? '', checkpoint: this.#expected, building, step: this.#step }
  }

  #checkpointSent(text: string): void {
    this.#expected = text
    this.#step = 0
  }

  #setLive(version: string | null): void {
    this.#liveVersion = version
    this.#live = version === null ? null : new WritePlanner(this.#parts.layout, this.#parts.keys, version)
  }

  #livePlanner(checkpoint: Checkpoint | null): WritePlanner {
    this.#claimed()
    if (this.#live === null) throw misuse('there is no live version: beginRebuild(), replay(), switchTo()')
    if (checkpoint !== null && checkpoint.stateVersion !== this.#liveVersion) {
      throw misuse('a checkpoint of another version than the live one: only switchTo() changes it')
    }
    return this.#live
  }

  #allowed<T>(answer: T | null): T {
    if (answer === null)
      throw new StoreRefused('owner, checkpoint or step is another than expected: take the task over again')
    return answer
  }

  #granted(answer: boolean): void {
    this.#allowed(answer ? true : null)
  }

  #assertUsable(): void {
    if (this.#ended !== null) throw new StoreLost('store.ended', `this store has ended, ${this.#ended}: open a new one`)
  }

  #claimed(): string {
    this.#assertUsable()
    if (this.#token === null) throw misuse('claim() comes first')
    return this.#token
  }

  /** One writer at a time: chunks of two batches must not mix. */
  async #exclusively<T>(work: () => Promise<T>): Promise<T> {
    if (this.#writing) throw misuse('a write is under way: wait for it')
    this.#writing = true
    try {
      return await this.#ending(work)
    } finally {
      this.#writing = false
    }
  }

  /** Whatever is thrown inside ends this store: it may be half way through, so nothing more may be sent. */
  async #ending<T>(work: () => Promise<T>): Promise<T> {
    try {
      const result = await work()
      this.#assertUsable()
      return result
    } catch (error) {
      this.#ended ??= error instanceof StoreLost ? `after ${error.code}` : 'after a refusal'
      await this.#parts.commands.close()
      throw error
    }
  }
}

/** Wrong order of calls: a mistake of the caller that ends nothing. */
function misuse(what: string): StoreLost {
  return new StoreLost('store.misuse', what)
}
