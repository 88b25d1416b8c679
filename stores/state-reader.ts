/**
 * Reads for people and for the API, over any ReaderCommands. Owns the rule that makes them sound without a guard: the
 * state version is read again after the values, and a read that met a switch is done again.
 */
import type { HashPage, ReaderCommands, ScoredMember } from './commands.ts'
import { decodeCheckpoint } from './core/checkpoint-codec.ts'
import { parseStateKey, stateKey, type TaskKeys, taskKeys } from './core/keys.ts'
import { sortedEntries } from './core/read-plan.ts'
import type {
  Change,
  Checkpoint,
  EntryRequest,
  IndexEntry,
  MemberPage,
  Stamped,
  StateReader,
  StoreLayout,
} from './ports.ts'
import { StoreLost } from './ports.ts'

/** A version changes once per rebuild; more switches than this within one read is not a race. */
export const READ_REPEATS_MAX = 5
/** Members of one page of an index, and of one score. */
export const PAGE_MEMBERS_MAX = 1_000

/** `name` is the store's or index's, `text` its key or group. */
interface StateKey<K> {
  readonly key: string
  readonly kind: K
  readonly name: string
  readonly text: string
}

export class VersionedReader implements StateReader {
  readonly #layout: StoreLayout
  readonly #commands: ReaderCommands
  /** Last version seen per task: a guess that saves a round trip, checked after every read. */
  readonly #versions = new Map<number, string | null>()

  constructor(layout: StoreLayout, commands: ReaderCommands) {
    this.#layout = layout
    this.#commands = commands
  }

  async task(task: number): ReturnType<StateReader['task']> {
    const fields = await this.#commands.task(task)
    if (fields === null) return null
    return { ...fields, checkpoint: decodeCheckpoint(fields.checkpoint) }
  }

  async get(task: number, store: string, key: string, field: string | null): Promise<string | null> {
    return this.#settled(task, null, (keys, version) => this.#commands.get(stateKey(keys, version, store, key), field))
  }

  async all(task: number, store: string, key: string): Promise<readonly (readonly [string, string])[]> {
    return this.#settled(task, [], async (keys, version) => {
      const name = stateKey(keys, version, store, key)
      const found = new Map<string, string>()
      const first = await this.#commands.scanHash(name, '0')
      for await (const [field, json] of this.#entries(name, first)) found.set(field, json)
      return sortedEntries([...found].flat())
    })
  }

  async page(task: number, index: string, group: string, from: number, count: number): Promise<MemberPage> {
    return this.#settled(task, { members: [], total: 0 }, (keys, version) =>
      this.#range(keys, version, index, group, from, count),
    )
  }

  async byScore(task: number, index: string, group: string, score: number): Promise<readonly string[]> {
    return this.#settled(task, [], (keys, version) =>
      this.#commands.rangeByScore(stateKey(keys, version, index, group), score, PAGE_MEMBERS_MAX),
    )
  }

  async entries(task: number, requests: readonly EntryRequest[]): Promise<Stamped<readonly (string | null)[]>> {
    const none = requests.map(() => null)
    return this.#stamped(task, none, (keys, version) =>
      this.#commands.getAll(
        requests.map(({ store, key, field }) => ({ key: stateKey(keys, version, store, key), field })),
      ),
    )
  }

  async members(task: number, index: string, group: string, from: number, count: number): Promise<Stamped<MemberPage>> {
    return this.#stamped(task, { members: [], total: 0 }, (keys, version) =>
      this.#range(keys, version, index, group, from, count),
    )
  }

  async span(task: number, index: string, group: string): Promise<Stamped<{ total: number; last: number | null }>> {
    return this.#stamped(task, { total: 0, last: null }, (keys, version) =>
      this.#commands.span(stateKey(keys, version, index, group)),
    )
  }

  async countBelow(task: number, index: string, group: string, score: number): Promise<Stamped<number>> {
    return this.#stamped(task, 0, (keys, version) =>
      this.#commands.countBelow(stateKey(keys, version, index, group), score),
    )
  }

  async membersFrom(
    task: number,
    index: string,
    group: string,
    score: number,
    count: number,
  ): Promise<Stamped<readonly ScoredMember[]>> {
    return this.#stamped(task, [], (keys, version) =>
      this.#commands.rangeFrom(stateKey(keys, version, index, group), score, Math.min(count, PAGE_MEMBERS_MAX)),
    )
  }

  /**
   * In no order, and an entry may come twice. Throws StoreLost `reader.switched` when a rebuild ended meanwhile: what
   * came before is then not one state.
   */
  async *dump(task: number): AsyncGenerator<Change> {
    const kinds = new Map(this.#layout.stores.map((store) => [store.name, store.kind]))
    for await (const page of this.#stateKeys(task, kinds)) {
      // All of a page at once: one round trip a key would take minutes for a million keys.
      const firsts = await Promise.all(
        page.map(({ key, kind }) =>
          kind === 'map' ? this.#commands.scanHash(key, '0') : this.#commands.get(key, null).then(pageOfValue),
        ),
      )
      for (let at = 0; at < page.length; at++) {
        const { key, kind, name, text } = page[at]!
        for await (const [field, json] of this.#entries(key, firsts[at]!)) {
          yield { store: name, key: text, field: kind === 'map' ? field : null, json }
        }
      }
    }
  }

  /** Order and errors as dump. */
  async *dumpIndex(task: number, index: string): AsyncGenerator<IndexEntry> {
    for await (const page of this.#stateKeys(task, new Map([[index, 'index']]))) {
      const firsts = await Promise.all(page.map(({ key }) => this.#commands.scanSet(key, '0')))
      for (let at = 0; at < page.length; at++) {
        const { key, text } = page[at]!
        for (let members = firsts[at]!; ; members = await this.#commands.scanSet(key, members.cursor)) {
          for (const { member, score } of members.members) yield { group: text, member, score }
          if (members.cursor === '0') break
        }
      }
    }
  }

  async close(): Promise<void> {
    await this.#commands.close()
  }

  #range(
    keys: TaskKeys,
    version: string,
    index: string,
    group: string,
    from: number,
    count: number,
  ): Promise<MemberPage> {
    const start = Math.max(0, from)
    const length = Math.min(count, PAGE_MEMBERS_MAX)
    const key = stateKey(keys, version, index, group)
    const order = this.#layout.indexes.find(({ name, isFieldOrder }) => isFieldOrder && name === index)
    if (order === undefined) return this.#commands.range(key, start, length)
    return this.#commands.orderedFields(stateKey(keys, version, order.store, group), key, start, length)
  }

  /** Keys of the live version that belong to one of these stores or indexes, in pages. */
  async *#stateKeys<K>(task: number, kinds: ReadonlyMap<string, K>): AsyncGenerator<readonly StateKey<K>[]> {
    const keys = taskKeys(this.#layout.application, task)
    const version = await this.#version(task)
    if (version === null) return
    let cursor = '0'
    do {
      const page = await this.#commands.scanKeys(task, cursor)
      yield page.keys.flatMap((key) => {
        const parsed = parseStateKey(keys, key)
        const kind = parsed?.version === version ? kinds.get(parsed.name) : undefined
        return parsed === null || kind === undefined ? [] : [{ key, kind, name: parsed.name, text: parsed.text }]
      })
      cursor = page.cursor
    } while (cursor !== '0')
    if ((await this.#version(task)) !== version) {
      throw new StoreLost('reader.switched', `task ${task} was rebuilt during the dump: dump again`)
    }
  }

  async *#entries(key: string, first: HashPage): AsyncGenerator<readonly [string, string]> {
    let page = first
    for (;;) {
      for (let at = 0; at + 1 < page.pairs.length; at += 2) yield [page.pairs[at]!, page.pairs[at + 1]!]
      if (page.cursor === '0') return
      page = await this.#commands.scanHash(key, page.cursor)
    }
  }

  async #settled<T>(task: number, none: T, read: (keys: TaskKeys, version: string) => Promise<T>): Promise<T> {
    const keys = taskKeys(this.#layout.application, task)
    let version = this.#versions.get(task) ?? (await this.#version(task))
    for (let attempt = 0; attempt < READ_REPEATS_MAX; attempt++) {
      if (version === null) return none
      const result = await read(keys, version)
      const now = await this.#version(task)
      if (now === version) return result
      version = now
    }
    throw unsettled(task)
  }

  /**
   * For reads of one step, which are sent together with the checkpoint before and behind them: one round trip. What the
   * answer is as of is the checkpoint before it; the version must be the same behind it, too.
   */
  async #stamped<T>(task: number, none: T, read: (keys: TaskKeys, version: string) => Promise<T>): Promise<Stamped<T>> {
    const keys = taskKeys(this.#layout.application, task)
    let version = this.#versions.get(task) ?? (await this.#version(task))
    for (let attempt = 0; attempt < READ_REPEATS_MAX; attempt++) {
      if (version === null) return { answer: none, checkpoint: null }
      const [before, answer, behind] = await Promise.all([
        this.#commands.task(task),
        read(keys, version),
        this.#commands.task(task),
      ])
      const checkpoint = decodeCheckpoint(before?.checkpoint ?? null)
      const now: Checkpoint | null =
        before?.checkpoint === behind?.checkpoint ? checkpoint : decodeCheckpoint(behind?.checkpoint ?? null)
      if (checkpoint?.stateVersion === version && now?.stateVersion === version) return { answer, checkpoint }
      version = now?.stateVersion ?? null
      this.#versions.set(task, version)
    }
    throw unsettled(task)
  }

  async #version(task: number): Promise<string | null> {
    const fields = await this.#commands.task(task)
    const version = decodeCheckpoint(fields?.checkpoint ?? null)?.stateVersion ?? null
    this.#versions.set(task, version)
    return version
  }
}

function unsettled(task: number): StoreLost {
  return new StoreLost('reader.unsettled', `the state version of task ${task} changes at every read: ask again later`)
}

function pageOfValue(json: string | null): HashPage {
  return { cursor: '0', pairs: json === null ? [] : ['', json] }
}
