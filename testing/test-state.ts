/**
 * State as the store has it: what operators and readers see. A store's key does not tell its partition, so every task is
 * looked at; values are parsed.
 */
import type { StateReader } from '../stores/ports.ts'
import type { Index, MapStore, StoreDeclaration, ValueStore } from '../topology/stores.ts'

export interface StateEntry {
  readonly task: number
  readonly key: string
  /** null for a `value` store. */
  readonly field: string | null
  readonly value: unknown
}

export class TestState {
  readonly #reader: StateReader
  readonly #tasks: number

  constructor(reader: StateReader, tasks: number) {
    this.#reader = reader
    this.#tasks = tasks
  }

  async get<K, F, V>(store: MapStore<K, F, V>, key: K, field: F): Promise<V | undefined> {
    return this.#entry<V>(store.name, store.keyText(key), store.fieldText(field))
  }

  async value<K, V>(store: ValueStore<K, V>, key: K): Promise<V | undefined> {
    return this.#entry<V>(store.name, store.keyText(key), null)
  }

  /** All fields of a key. */
  async all<K, F, V>(store: MapStore<K, F, V>, key: K): Promise<readonly (readonly [F, V])[]> {
    const found = await this.#ofAnyTask(
      (task) => this.#reader.all(task, store.name, store.keyText(key)),
      (fields) => fields.length > 0,
    )
    return (found ?? []).map(([field, json]) => [store.parseField(field), JSON.parse(json) as V] as const)
  }

  /** Everything that a store holds, ordered by task, key and field. */
  async entries(store: StoreDeclaration): Promise<readonly StateEntry[]> {
    const entries: StateEntry[] = []
    for (let task = 0; task < this.#tasks; task++)
      for await (const { store: name, key, field, json } of this.#reader.dump(task))
        if (name === store.name && json !== null) entries.push({ task, key, field, value: JSON.parse(json) })
    return entries.sort((a, b) => a.task - b.task || compare(a.key, b.key) || compare(a.field ?? '', b.field ?? ''))
  }

  /** Members of one group of an index, in order of their scores. */
  async members(index: Index, group: string): Promise<readonly string[]> {
    const members: string[] = []
    for (let task = 0; task < this.#tasks; task++) {
      const page = await this.#reader.page(task, index.name, group, 0, MEMBERS_MAX)
      members.push(...page.members)
    }
    return members
  }

  /** Counters of a task as of its last batch. */
  async counters(task: number): Promise<Readonly<Record<string, number>>> {
    return (await this.#reader.task(task))?.checkpoint?.counters ?? {}
  }

  async #entry<V>(store: string, key: string, field: string | null): Promise<V | undefined> {
    const json = await this.#ofAnyTask(
      (task) => this.#reader.get(task, store, key, field),
      (text) => text !== null,
    )
    return json === undefined || json === null ? undefined : (JSON.parse(json) as V)
  }

  async #ofAnyTask<T>(ask: (task: number) => Promise<T>, found: (answer: T) => boolean): Promise<T | undefined> {
    for (let task = 0; task < this.#tasks; task++) {
      const answer = await ask(task)
      if (found(answer)) return answer
    }
    return undefined
  }
}

const MEMBERS_MAX = 1_000

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
