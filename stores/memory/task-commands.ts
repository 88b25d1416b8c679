/**
 * The model of the scripts in redis/scripts: the same commands on a Keyspace, each atomic because it does not await.
 * Owns nothing but the connection's life; the rules are told in the heads of the scripts.
 */
import type { ClaimAnswer, Guard, HashPage, Inspection, KeyPage, TaskCommands } from '../commands.ts'
import { decodeCheckpoint } from '../core/checkpoint-codec.ts'
import { TASK_FIELDS, type TaskKeys } from '../core/keys.ts'
import { MEMBERS_MAX, SLICE_ALL_FIELDS_MAX, type SliceKey, type SliceReply } from '../core/read-plan.ts'
import type { WritePlan } from '../core/write-plan.ts'
import type { OwnerLabel } from '../ports.ts'
import type { Keyspace } from './keyspace.ts'
import { carryOut } from './write.ts'

export type MemoryCommand = Exclude<keyof TaskCommands, 'close'>

/** Carries a command out, or loses it: injected by tests, see MemoryRedisOptions. */
export type Carry = <T>(command: MemoryCommand, work: () => T) => Promise<T>

export class MemoryTaskCommands implements TaskCommands {
  readonly #keyspace: Keyspace
  readonly #keys: TaskKeys
  readonly #carry: Carry

  constructor(keyspace: Keyspace, keys: TaskKeys, carry: Carry) {
    this.#keyspace = keyspace
    this.#keys = keys
    this.#carry = carry
  }

  claim(owner: OwnerLabel): Promise<ClaimAnswer> {
    return this.#carry('claim', () => {
      if (this.#keyspace.kindOf(this.#keys.task) !== 'hash') this.#keyspace.delete(this.#keys.task)
      const text = this.#field('checkpoint')
      const found = decodeCheckpoint(text)
      if (found !== null) {
        const { clusterId, changelogTopicId } = found
        if (clusterId !== owner.clusterId || changelogTopicId !== owner.changelogTopicId) {
          return { kind: 'foreign', clusterId, changelogTopicId }
        }
      }
      this.#keyspace.deleteField(this.#keys.task, TASK_FIELDS.step)
      this.#set('owner', owner.token)
      this.#set('instance', owner.instance)
      this.#set('transactionalId', owner.transactionalId)
      return { kind: 'claimed', checkpoint: text ?? '' }
    })
  }

  read(guard: Guard, keys: readonly SliceKey[]): Promise<readonly SliceReply[] | null> {
    return this.#carry('read', () => {
      if (!this.#holds(guard)) return null
      let room = SLICE_ALL_FIELDS_MAX
      return keys.map((key): SliceReply => {
        if (key.kind === 'value') return this.#keyspace.getText(key.key)
        if (key.kind === 'members') {
          const members = this.#keyspace.members(key.key).filter(({ score }) => score === key.score)
          return members.slice(0, MEMBERS_MAX).map(({ member }) => member)
        }
        const fields = this.#keyspace.fields(key.key)
        if (key.kind === 'fields') return key.fields.map((field) => fields.get(field) ?? null)
        if (fields.size > room) return fields.size
        room -= fields.size
        return [...fields].flat()
      })
    })
  }

  scanHash(guard: Guard, key: string, _cursor: string): Promise<HashPage | null> {
    return this.#carry('scanHash', () =>
      this.#holds(guard) ? { cursor: '0', pairs: [...this.#keyspace.fields(key)].flat() } : null,
    )
  }

  write(guard: Guard, plan: WritePlan, checkpoint: string): Promise<boolean> {
    return this.#carry('write', () => {
      if (!this.#holds(guard)) return false
      carryOut(this.#keyspace, plan)
      this.#mark(guard, checkpoint)
      return true
    })
  }

  register(guard: Guard, version: string): Promise<boolean> {
    return this.#carry('register', () => {
      if (!this.#holds(guard)) return false
      this.#set('versions', JSON.stringify([...this.#versions(), version]))
      this.#set('building', version)
      return true
    })
  }

  switchTo(guard: Guard, checkpoint: string): Promise<boolean> {
    return this.#carry('switchTo', () => {
      if (!this.#holds(guard)) return false
      this.#keyspace.deleteField(this.#keys.task, TASK_FIELDS.building)
      this.#mark(guard, checkpoint)
      return true
    })
  }

  inspect(token: string, building: string): Promise<Inspection | null> {
    return this.#carry('inspect', () => {
      const checkpoint = this.#field('checkpoint')
      const live = decodeCheckpoint(checkpoint)?.stateVersion ?? null
      if (this.#field('owner') !== token || (checkpoint !== null && live === null)) return null
      if (this.#field('building') !== building) this.#keyspace.deleteField(this.#keys.task, TASK_FIELDS.building)
      return { live, versions: this.#versions(), swept: this.#field('swept') !== null }
    })
  }

  scanKeys(_cursor: string): Promise<KeyPage> {
    return this.#carry('scanKeys', () => ({ cursor: '0', keys: this.#keyspace.keys(this.#keys.prefix) }))
  }

  remove(token: string, versions: readonly string[], keys: readonly string[]): Promise<boolean> {
    return this.#carry('remove', () => {
      const checkpoint = this.#field('checkpoint')
      const live = decodeCheckpoint(checkpoint)?.stateVersion ?? null
      if (this.#field('owner') !== token || (checkpoint !== null && live === null)) return false
      const building = this.#field('building')
      if (versions.some((version) => version === live || version === building)) return false
      for (const key of keys) this.#keyspace.delete(key)
      return true
    })
  }

  finishSweep(token: string, versions: readonly string[]): Promise<boolean> {
    return this.#carry('finishSweep', () => {
      if (this.#field('owner') !== token) return false
      this.#set('versions', JSON.stringify(this.#versions().filter((version) => !versions.includes(version))))
      this.#set('swept', '1')
      return true
    })
  }

  async close(): Promise<void> {}

  #holds(guard: Guard): boolean {
    if (this.#field('owner') !== guard.token || (this.#field('checkpoint') ?? '') !== guard.checkpoint) return false
    if ((this.#field('step') ?? '0') !== String(guard.step)) return false
    return guard.building === '' || this.#field('building') === guard.building
  }

  /** How far it is now. */
  #mark(guard: Guard, checkpoint: string): void {
    if (checkpoint === '') {
      this.#set('step', String(guard.step + 1))
      return
    }
    this.#keyspace.deleteField(this.#keys.task, TASK_FIELDS.step)
    this.#set('checkpoint', checkpoint)
  }

  #field(name: keyof typeof TASK_FIELDS): string | null {
    return this.#keyspace.getField(this.#keys.task, TASK_FIELDS[name])
  }

  #set(name: keyof typeof TASK_FIELDS, text: string): void {
    this.#keyspace.setField(this.#keys.task, TASK_FIELDS[name], text)
  }

  #versions(): string[] {
    const text = this.#field('versions')
    return text === null ? [] : (JSON.parse(text) as string[])
  }
}
