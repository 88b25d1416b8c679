/**
 * Removes the keys of versions that are neither live nor under construction, one bounded step a call. Owns where the
 * walk over the keys stands; every removal checks again inside its command that the versions are still dead.
 *
 * Redis has no list of a version's keys, so they are found by SCAN. It is walked only when the task's hash lists a dead
 * version, or when the hash was missing once (`swept` is not set), so that nothing is known of what was before.
 */
import type { TaskCommands } from './commands.ts'
import { type TaskKeys, versionOf } from './core/keys.ts'

interface Pass {
  readonly protectedVersions: ReadonlySet<string>
  /** Listed versions that are dead: taken off the list when the walk is complete. */
  readonly dead: readonly string[]
  cursor: string
}

export class Sweep {
  readonly #keys: TaskKeys
  readonly #commands: TaskCommands
  #pass: Pass | null = null

  constructor(keys: TaskKeys, commands: TaskCommands) {
    this.#keys = keys
    this.#commands = commands
  }

  /** What is live or under construction changes: begin anew. */
  restart(): void {
    this.#pass = null
  }

  /** True when nothing is left, null when refused. */
  async step(token: string, building: string): Promise<boolean | null> {
    if (this.#pass === null) {
      const found = await this.#commands.inspect(token, building)
      if (found === null) return null
      const protectedVersions = new Set([found.live ?? '', building])
      const dead = found.versions.filter((version) => !protectedVersions.has(version))
      if (dead.length === 0 && found.swept) return true
      this.#pass = { protectedVersions, dead, cursor: '0' }
    }
    return this.#walk(token, this.#pass)
  }

  async #walk(token: string, pass: Pass): Promise<boolean | null> {
    const page = await this.#commands.scanKeys(pass.cursor)
    const versions = new Set<string>()
    const keys = page.keys.filter((key) => {
      const version = versionOf(this.#keys, key)
      if (version === null || pass.protectedVersions.has(version)) return false
      versions.add(version)
      return true
    })
    if (pass !== this.#pass) return false
    if (keys.length > 0 && !(await this.#commands.remove(token, [...versions], keys))) return null
    pass.cursor = page.cursor
    if (page.cursor !== '0' || pass !== this.#pass) return false
    this.#pass = null
    return (await this.#commands.finishSweep(token, pass.dead)) ? true : null
  }
}
