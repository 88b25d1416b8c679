/** Unguarded reads of a Keyspace. */
import type { EntryKey, HashPage, KeyPage, ReaderCommands, ScoredMember, SetPage, TaskFields } from '../commands.ts'
import { pageInOrder } from '../core/field-order.ts'
import { TASK_FIELDS, taskKeys } from '../core/keys.ts'
import type { MemberPage } from '../ports.ts'
import type { Keyspace } from './keyspace.ts'

export class MemoryReaderCommands implements ReaderCommands {
  readonly #keyspace: Keyspace
  readonly #application: string

  constructor(keyspace: Keyspace, application: string) {
    this.#keyspace = keyspace
    this.#application = application
  }

  async task(task: number): Promise<TaskFields | null> {
    const { task: key } = taskKeys(this.#application, task)
    if (this.#keyspace.kindOf(key) === null) return null
    const field = (name: keyof typeof TASK_FIELDS) => this.#keyspace.getField(key, TASK_FIELDS[name])
    return {
      owner: field('owner'),
      instance: field('instance'),
      transactionalId: field('transactionalId'),
      checkpoint: field('checkpoint'),
      isPartial: field('building') === null && field('step') !== null,
    }
  }

  async get(key: string, field: string | null): Promise<string | null> {
    return field === null ? this.#keyspace.getText(key) : this.#keyspace.getField(key, field)
  }

  async range(key: string, from: number, count: number): Promise<MemberPage> {
    const members = this.#keyspace.members(key).map(({ member }) => member)
    return { members: members.slice(from, from + Math.max(0, count)), total: members.length }
  }

  async orderedFields(hash: string, set: string, from: number, count: number): Promise<MemberPage> {
    if (this.#keyspace.kindOf(set) !== null) return this.range(set, from, count)
    return pageInOrder([...this.#keyspace.fields(hash).keys()], from, count)
  }

  async rangeByScore(key: string, score: number, count: number): Promise<readonly string[]> {
    const found = this.#keyspace.members(key).filter((entry) => entry.score === score)
    return found.slice(0, count).map(({ member }) => member)
  }

  async getAll(entries: readonly EntryKey[]): Promise<readonly (string | null)[]> {
    return entries.map(({ key, field }) =>
      field === null ? this.#keyspace.getText(key) : this.#keyspace.getField(key, field),
    )
  }

  async span(key: string): Promise<{ total: number; last: number | null }> {
    const members = this.#keyspace.members(key)
    return { total: members.length, last: members.at(-1)?.score ?? null }
  }

  async countBelow(key: string, score: number): Promise<number> {
    return this.#keyspace.members(key).filter((entry) => entry.score < score).length
  }

  async rangeFrom(key: string, score: number, count: number): Promise<readonly ScoredMember[]> {
    const found = this.#keyspace.members(key).filter((entry) => entry.score >= score)
    return found.slice(0, count)
  }

  async scanKeys(task: number, _cursor: string): Promise<KeyPage> {
    return { cursor: '0', keys: this.#keyspace.keys(taskKeys(this.#application, task).prefix) }
  }

  async scanHash(key: string, _cursor: string): Promise<HashPage> {
    return { cursor: '0', pairs: [...this.#keyspace.fields(key)].flat() }
  }

  async scanSet(key: string, _cursor: string): Promise<SetPage> {
    return { cursor: '0', members: this.#keyspace.members(key) }
  }

  async close(): Promise<void> {}
}
