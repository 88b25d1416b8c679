/**
 * Notes out of the store, at a cost that depends on neither how many there are nor how deep a page is. Owns the ways to
 * them by the two indexes; what makes a read sound is the StateReader's. Throws ApiFailure `state.restoring` where the
 * store has no state of a task, and StoreLost.
 */
import { type Clock, sleep } from '../../engine/clock.ts'
import { partitionFor } from '../../engine/core/murmur2.ts'
import type { Checkpoint, Stamped, StateReader } from '../../stores/ports.ts'
import { taskOfNote } from '../../topology/notes/ids.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { type Note, noteOrder, noteSequence, notes, notesByTenant } from '../../topology/notes/state.ts'
import { UNREAD_NOTE_WAIT_MS } from '../limits.ts'
import { failure } from './errors.ts'
import type { NumberedNote } from './json-api.ts'
import type { Page } from './paging.ts'
import { searchRank } from './rank-search.ts'

/** What a task's part of an answer is as of. */
export interface Stamp {
  readonly task: number
  readonly checkpoint: Checkpoint
}

export interface NoteFound {
  /** null: there is none. */
  readonly note: NumberedNote | null
  readonly stamps: readonly Stamp[]
}

export interface NotesFound {
  readonly notes: readonly NumberedNote[]
  readonly total: number
  readonly stamps: readonly Stamp[]
}

export interface TaskShape {
  readonly tasks: number
  readonly stride: number
}

/** Of a page on which a note was removed, or of a state that was switched, while it was read. */
const REPEATS_MAX = 4
/** Members that a deep page may read before its first one. */
const SLACK_MEMBERS_MIN = 64
const LOOK_AGAIN_MS = 10

interface Named {
  readonly noteId: number
  readonly characterId: number
}

export class NoteReads {
  readonly shape: TaskShape
  readonly #reader: StateReader
  readonly #clock: Clock

  constructor(reader: StateReader, shape: TaskShape, clock: Clock) {
    this.#reader = reader
    this.shape = shape
    this.#clock = clock
  }

  taskOfCharacter(characterId: number): number {
    return partitionFor(characterKey(characterId), this.shape.tasks)
  }

  /** undefined: no task gives such an id. */
  taskOfNote(noteId: number): number | undefined {
    return taskOfNote(noteId, this.shape)
  }

  /** A note that may be on its way to the store is waited for, up to 250 ms (design: the promise). */
  async byId(tenantId: string, noteId: number): Promise<NoteFound> {
    const end = this.#clock.elapsedMs() + UNREAD_NOTE_WAIT_MS
    for (;;) {
      const found = await this.find(tenantId, noteId)
      const checkpoint = found.stamps[0]?.checkpoint
      if (found.note !== null || checkpoint === undefined) return found
      const sequence = Math.floor((noteId - 1) / this.shape.stride)
      const isApplied = sequence < (checkpoint.counters[noteSequence.name] ?? 0)
      if (isApplied || this.#clock.elapsedMs() >= end) return found
      await sleep(this.#clock, LOOK_AGAIN_MS)
    }
  }

  /** As byId, as it is now. */
  async find(tenantId: string, noteId: number): Promise<NoteFound> {
    const task = this.taskOfNote(noteId)
    if (task === undefined) return { note: null, stamps: [] }
    const members = stamped(task, await this.#reader.membersFrom(task, notesByTenant.name, tenantId, noteId, 1))
    const member = members.answer.find(({ score }) => score === noteId)
    if (!member) return { note: null, stamps: [members] }
    const read = await this.#read(task, tenantId, [namedBy(member.member)])
    return { note: read.answer[0] ?? null, stamps: [read] }
  }

  async ofCharacter(tenantId: string, characterId: number, page: Page): Promise<NotesFound> {
    const task = this.taskOfCharacter(characterId)
    const group = notes.keyText({ tenantId, characterId })
    const from = (page.number - 1) * page.size
    return this.#repeated(async () => {
      const found = await this.#reader.members(task, noteOrder.name, group, from, page.size)
      const members = stamped(task, found)
      const named = members.answer.members.map((noteId) => ({ noteId: Number(noteId), characterId }))
      if (named.length === 0) return { notes: [], total: members.answer.total, stamps: [members] }
      const read = await this.#read(task, tenantId, named)
      return { notes: read.answer, total: members.answer.total, stamps: [read, members] }
    })
  }

  /** Over all tasks: a merge by rank of their indexes. */
  async ofTenant(tenantId: string, page: Page): Promise<NotesFound> {
    return this.#repeated(async () => {
      const index = notesByTenant.name
      const spans = await this.#ofEachTask((task) => this.#reader.span(task, index, tenantId))
      const total = sum(spans.map(({ answer }) => answer.total))
      const from = (page.number - 1) * page.size
      if (from >= total) return { notes: [], total, stamps: spans }

      const filled = spans.filter(({ answer }) => answer.last !== null)
      const last = Math.max(...filled.map(({ answer }) => answer.last!))
      const slack = Math.max(page.size, SLACK_MEMBERS_MIN)
      const start = await searchRank(from, total, last, slack, async (score) => {
        const counts = filled.map(({ task }) => this.#reader.countBelow(task, index, tenantId, score))
        return sum((await Promise.all(counts)).map(({ answer }) => answer))
      })
      const skipped = from - start.below
      const ranges = filled.map(async ({ task }) => {
        const found = await this.#reader.membersFrom(task, index, tenantId, start.score, skipped + page.size)
        return stamped(task, found).answer.map((member) => ({ task, ...member }))
      })
      const merged = (await Promise.all(ranges)).flat().sort((a, b) => a.score - b.score)
      const shown = Map.groupBy(merged.slice(skipped, skipped + page.size), ({ task }) => task)
      const reads = await Promise.all(
        [...shown].map(([task, members]) =>
          this.#read(
            task,
            tenantId,
            members.map(({ member }) => namedBy(member)),
          ),
        ),
      )
      const found = reads.flatMap(({ answer }) => answer).sort((a, b) => (a?.noteId ?? 0) - (b?.noteId ?? 0))
      return { notes: found, total, stamps: [...reads, ...spans] }
    })
  }

  async #read(
    task: number,
    tenantId: string,
    named: readonly Named[],
  ): Promise<Stamp & { readonly answer: readonly (NumberedNote | null)[] }> {
    const requests = named.map(({ noteId, characterId }) => ({
      store: notes.name,
      key: notes.keyText({ tenantId, characterId }),
      field: notes.fieldText(noteId),
    }))
    const { answer, ...stamp } = stamped(task, await this.#reader.entries(task, requests))
    return { ...stamp, answer: named.map((name, n) => numbered(name, answer[n] ?? null)) }
  }

  async #ofEachTask<T>(read: (task: number) => Promise<Stamped<T>>): Promise<readonly (Stamp & { answer: T })[]> {
    const tasks = Array.from({ length: this.shape.tasks }, (_, task) => task)
    return Promise.all(tasks.map(async (task) => stamped(task, await read(task))))
  }

  /**
   * Until every note of the page was there and no task's state was switched in between; at last without the notes that
   * were removed meanwhile.
   */
  async #repeated(
    read: () => Promise<{
      notes: readonly (NumberedNote | null)[]
      total: number
      stamps: readonly Stamp[]
    }>,
  ): Promise<NotesFound> {
    for (let attempt = 1; ; attempt++) {
      const { notes: found, total, stamps } = await read()
      const there = found.filter((note) => note !== null)
      const settled = there.length === found.length && ofOneVersion(stamps)
      if (settled || attempt === REPEATS_MAX) return { notes: there, total, stamps: firstOfEach(stamps) }
    }
  }
}

/** Throws ApiFailure when the store has no state of the task. */
function stamped<T>(task: number, { answer, checkpoint }: Stamped<T>): Stamp & { readonly answer: T } {
  if (checkpoint === null) throw failure('state.restoring', `the state of partition ${task} is not there yet`)
  return { task, checkpoint, answer }
}

function ofOneVersion(stamps: readonly Stamp[]): boolean {
  const versions = new Map<number, string>()
  return stamps.every(({ task, checkpoint: { stateVersion } }) => {
    const version = versions.get(task) ?? stateVersion
    versions.set(task, version)
    return version === stateVersion
  })
}

function firstOfEach(stamps: readonly Stamp[]): readonly Stamp[] {
  const first = new Map<number, Stamp>()
  for (const stamp of stamps) if (!first.has(stamp.task)) first.set(stamp.task, stamp)
  return [...first.values()].sort((a, b) => a.task - b.task)
}

/** A member of notesByTenant: `<characterId>:<noteId>`. */
function namedBy(member: string): Named {
  const colon = member.indexOf(':')
  return { characterId: Number(member.slice(0, colon)), noteId: Number(member.slice(colon + 1)) }
}

function numbered({ noteId, characterId }: Named, json: string | null): NumberedNote | null {
  if (json === null) return null
  const { senderId, message, flag, time } = JSON.parse(json) as Note
  return { noteId, characterId, senderId, message, flag, time }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)
