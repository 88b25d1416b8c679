/**
 * A write from the request to its outcome: a command to Kafka, a wait for what the processor stores of it, the same answer
 * for the same key. Owns that order; the parts are command-sender.ts and outcome-waiter.ts.
 *
 * If the process dies at any point, the client asks again with the same key: the command is sent again, and the processor
 * knows it. Without a key, a request that was not answered may or may not have been carried out.
 */
import type { Clock } from '../../engine/clock.ts'
import type { HeaderEntry } from '../../topology/headers.ts'
import type { NoteCommand } from '../../topology/notes/messages.ts'
import { type RequestOutcome, requestKey } from '../../topology/notes/request.ts'
import { requestFingerprint } from '../../topology/notes/request-fingerprint.ts'
import { OUTCOME_DEADLINE_MS } from '../limits.ts'
import type { CommandSender } from './command-sender.ts'
import { failure } from './errors.ts'
import { requestIdOf } from './idempotency.ts'
import { commandRecord } from './note-commands.ts'
import type { OutcomeWaiter } from './outcome-waiter.ts'
import { parseStatusId, statusIdText } from './status-id.ts'
import type { RestTenant } from './tenant.ts'

export interface Write {
  readonly tenant: RestTenant
  /** Headers of the trace. */
  readonly trace: readonly HeaderEntry[]
  readonly task: number
  /** Method, path and, for a new note, the character. */
  readonly target: readonly (string | number)[]
  /** null: none was sent. */
  readonly idempotencyKey: string | null
  /** Called when all that is left is to wait for the outcome, which needs nothing but memory. */
  readonly waits: () => void
  /** Made when it is known that it must be sent, and for comparing. */
  readonly command: () => Promise<NoteCommand> | NoteCommand
}

export type Written =
  | { readonly kind: 'outcome'; readonly outcome: RequestOutcome }
  /** No outcome within the deadline. */
  | { readonly kind: 'accepted'; readonly statusId: string }

export interface CommandTopic {
  readonly partitions: number
  readonly tasks: number
}

export class NoteWrites {
  readonly #sender: CommandSender
  readonly #waiter: OutcomeWaiter
  readonly #topic: CommandTopic
  readonly #clock: Clock
  readonly #deadlineMs: number

  constructor(
    sender: CommandSender,
    waiter: OutcomeWaiter,
    topic: CommandTopic,
    clock: Clock,
    deadlineMs = OUTCOME_DEADLINE_MS,
  ) {
    this.#sender = sender
    this.#waiter = waiter
    this.#topic = topic
    this.#clock = clock
    this.#deadlineMs = deadlineMs
  }

  get waiting(): number {
    return this.#waiter.count
  }

  /** Throws ApiFailure `idempotency.reused`, `kafka.unavailable`, `state.restoring`, `service.busy`; StoreLost. */
  async execute({ tenant, trace, task, target, idempotencyKey, waits, command: make }: Write): Promise<Written> {
    const requestId = requestIdOf(tenant.id, target, idempotencyKey)
    const key = requestKey(tenant.id, requestId)
    // Also without a key, when nothing can be found: a store that is away is told before anything is written.
    const earlier = await this.#waiter.find(task, key, this.#clock.nowMs())
    const command = await make()
    const fingerprint = requestFingerprint(command)
    if (earlier) return { kind: 'outcome', outcome: sameRequest(earlier, fingerprint) }

    // Of now, and not of before the look: what is expired for the command must be so for whoever waits.
    const timestampMs = this.#clock.nowMs()
    const waited = this.#waiter.wait(task, key, timestampMs, this.#deadlineMs)
    try {
      const headers = [...tenant.headers, ...trace]
      const partition = homePartition(task, this.#topic)
      await this.#sender.send(commandRecord(command, { partition, timestampMs, requestId, headers }))
    } catch (error) {
      waited.cancel()
      throw error
    }
    waits()
    const outcome = await waited.outcome
    if (outcome === null)
      return { kind: 'accepted', statusId: statusIdText({ task, timestampMs, requestId, fingerprint }) }
    return { kind: 'outcome', outcome: sameRequest(outcome, fingerprint) }
  }

  /** What has become of an accepted write; null: not known yet. Throws ApiFailure `request.unknown`. */
  async status(tenantId: string, statusId: string, rememberedMs: number): Promise<RequestOutcome | null> {
    const parsed = parseStatusId(statusId)
    const nowMs = this.#clock.nowMs()
    const due = parsed !== undefined && parsed.task < this.#topic.tasks && parsed.timestampMs > nowMs - rememberedMs
    // Clocks of two processes may differ.
    if (!due || parsed.timestampMs > nowMs + CLOCKS_DIFFER_MS)
      throw failure('request.unknown', 'there is no such request, or it is too long ago')
    const outcome = await this.#waiter.find(parsed.task, requestKey(tenantId, parsed.requestId), nowMs)
    if (outcome === null || outcome.fingerprint === parsed.fingerprint) return outcome
    // The key's first use was carried out, and this was another: what it would have been answered with, had it been known.
    return { ...outcome, status: REUSED_STATUS, noteId: null }
  }

  close(): void {
    this.#waiter.close()
  }
}

const CLOCKS_DIFFER_MS = 60_000
/** Of `idempotency.reused`. */
const REUSED_STATUS = 422

/** The partition of the task's own; a topic with fewer partitions than there are tasks reaches it by way of another. */
const homePartition = (task: number, { partitions }: CommandTopic): number => task % partitions

function sameRequest(outcome: RequestOutcome, fingerprint: string): RequestOutcome {
  if (outcome.fingerprint === fingerprint) return outcome
  throw failure('idempotency.reused', 'the key was used with another body for the same target', {
    header: 'Idempotency-Key',
  })
}
