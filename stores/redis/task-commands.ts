/**
 * The guarded commands of one task as scripts over one connection. Owns how arguments and replies of the scripts are
 * laid out; every reply is checked, an unexpected one is a StoreLost.
 */
import type { ClaimAnswer, Guard, HashPage, Inspection, KeyPage, TaskCommands } from '../commands.ts'
import type { TaskKeys } from '../core/keys.ts'
import { SLICE_ALL_FIELDS_MAX, type SliceKey, type SliceReply } from '../core/read-plan.ts'
import type { WritePlan } from '../core/write-plan.ts'
import type { OwnerLabel } from '../ports.ts'
import type { RedisArgument, RedisConnection } from './connection.ts'
import { isList, isTexts, parseKeyPage, parsePage, unexpected } from './replies.ts'
import { ALL_SCRIPTS } from './scripts/all.ts'
import { CLAIM } from './scripts/claim.ts'
import { READ, READ_ALL, READ_MEMBERS, READ_VALUE } from './scripts/read.ts'
import { REGISTER, SWITCH } from './scripts/rebuild.ts'
import { SCAN_HASH } from './scripts/scan-hash.ts'
import type { Script } from './scripts/script.ts'
import { SWEEP_FINISH, SWEEP_INSPECT, SWEEP_REMOVE } from './scripts/sweep.ts'
import { WRITE } from './scripts/write.ts'

/** Keys looked at in one step of a walk: about 1 ms of Redis. */
export const SCAN_KEYS = 1_000
/** Fields in one page of a large hash. */
export const SCAN_FIELDS = 2_000

const KINDS = { value: READ_VALUE, all: READ_ALL, members: READ_MEMBERS } as const

export class RedisTaskCommands implements TaskCommands {
  readonly #connection: RedisConnection
  readonly #keys: TaskKeys

  /** Loads the scripts, so that no later call can meet NOSCRIPT. Throws StoreLost. */
  static async on(connection: RedisConnection, keys: TaskKeys): Promise<RedisTaskCommands> {
    const loaded = await Promise.all(ALL_SCRIPTS.map(({ text }) => connection.call('SCRIPT', ['LOAD', text])))
    if (loaded.some((sha, at) => sha !== ALL_SCRIPTS[at]!.sha)) throw unexpected('SCRIPT LOAD')
    return new RedisTaskCommands(connection, keys)
  }

  private constructor(connection: RedisConnection, keys: TaskKeys) {
    this.#connection = connection
    this.#keys = keys
  }

  async claim(owner: OwnerLabel): Promise<ClaimAnswer> {
    const { token, instance, transactionalId, clusterId, changelogTopicId } = owner
    const args = [token, instance, transactionalId, clusterId, changelogTopicId]
    const reply = await this.#connection.transaction(CLAIM.sha, [this.#keys.task], args)
    if (!isTexts(reply)) throw unexpected('claim')
    const [kind, first = '', second = ''] = reply
    if (kind === 'claimed') return { kind, checkpoint: first }
    if (kind === 'foreign') return { kind, clusterId: first, changelogTopicId: second }
    throw unexpected('claim')
  }

  async read(guard: Guard, slice: readonly SliceKey[]): Promise<readonly SliceReply[] | null> {
    const keys = [this.#keys.task]
    const counts: number[] = []
    const args: RedisArgument[] = [guard.token, guard.checkpoint, '', SLICE_ALL_FIELDS_MAX, guard.step]
    for (const key of slice) {
      keys.push(key.key)
      counts.push(key.kind === 'fields' ? key.fields.length : KINDS[key.kind])
      if (key.kind === 'fields') for (const field of key.fields) args.push(field)
      else if (key.kind === 'members') args.push(key.score)
    }
    args[2] = JSON.stringify(counts)
    const reply = await this.#connection.script(READ.sha, keys, args)
    if (reply === 0) return null
    if (!isList(reply) || reply.length !== slice.length) throw unexpected('read')
    return reply as readonly SliceReply[]
  }

  async scanHash(guard: Guard, key: string, cursor: string): Promise<HashPage | null> {
    const args = [guard.token, guard.checkpoint, cursor, SCAN_FIELDS, guard.step]
    const reply = await this.#connection.script(SCAN_HASH.sha, [this.#keys.task, key], args)
    if (reply === 0) return null
    const [next, pairs] = parsePage(reply, 'scan')
    return { cursor: next, pairs }
  }

  async write(guard: Guard, plan: WritePlan, checkpoint: string): Promise<boolean> {
    const { single, multiple, sets, calls, orders } = plan
    const head = [guard.token, guard.checkpoint, guard.building, checkpoint]
    head.push(JSON.stringify({ single, multiple, sets, calls, orders }), String(guard.step))
    const keys = [this.#keys.task].concat(plan.keys)
    return granted(await this.#connection.transaction(WRITE.sha, keys, head.concat(plan.values)), 'write')
  }

  async register(guard: Guard, version: string): Promise<boolean> {
    return this.#transaction(REGISTER, [guard.token, guard.checkpoint, version, guard.step], 'register')
  }

  async switchTo(guard: Guard, checkpoint: string): Promise<boolean> {
    return this.#transaction(SWITCH, [guard.token, guard.checkpoint, guard.building, checkpoint, guard.step], 'switch')
  }

  async inspect(token: string, building: string): Promise<Inspection | null> {
    const reply = await this.#connection.transaction(SWEEP_INSPECT.sha, [this.#keys.task], [token, building])
    if (reply === 0) return null
    if (!isList(reply)) throw unexpected('inspect')
    const [live, versions, swept] = reply
    if (typeof live !== 'string' || typeof versions !== 'string') throw unexpected('inspect')
    const listed = parseVersions(versions)
    return { live: live === '' ? null : live, versions: listed ?? [], swept: swept === 1 && listed !== null }
  }

  async scanKeys(cursor: string): Promise<KeyPage> {
    const args = [cursor, 'MATCH', `${this.#keys.prefix}*`, 'COUNT', SCAN_KEYS]
    return parseKeyPage(await this.#connection.call('SCAN', args))
  }

  async remove(token: string, versions: readonly string[], keys: readonly string[]): Promise<boolean> {
    const all = [this.#keys.task].concat(keys)
    return granted(await this.#connection.transaction(SWEEP_REMOVE.sha, all, [token].concat(versions)), 'remove')
  }

  async finishSweep(token: string, versions: readonly string[]): Promise<boolean> {
    return this.#transaction(SWEEP_FINISH, [token].concat(versions), 'finish')
  }

  async close(): Promise<void> {
    this.#connection.close()
  }

  async #transaction(script: Script, args: readonly RedisArgument[], what: string): Promise<boolean> {
    return granted(await this.#connection.transaction(script.sha, [this.#keys.task], args), what)
  }
}

function granted(reply: unknown, what: string): boolean {
  if (reply === 1) return true
  if (reply === 0) return false
  throw unexpected(what)
}

/** null when it is no list of texts: then nothing is known of former versions. */
function parseVersions(text: string): string[] | null {
  try {
    const value: unknown = JSON.parse(text)
    return isTexts(value) ? [...value] : null
  } catch {
    return null
  }
}
