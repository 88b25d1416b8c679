/**
 * Which broker coordinates a group or a transactional id. Owns that cache; an entry is dropped when its broker says that
 * it is not (or no longer) the coordinator, and when its connection is lost.
 */

import { codes } from '../core/kafka-errors.ts'
import { partitionName } from '../core/plan.ts'
import { type Code, type PartitionCode, RequestLost, type TopicPartition } from '../ports.ts'
import type { Connections } from './connections.ts'
import type { Metadata } from './metadata.ts'
import { type BrokerAddress, requestTimeoutsMs } from './options.ts'
import type { Api } from './protocol/api.ts'
import { type CoordinatorKind, findCoordinatorApi } from './protocol/find-coordinator.ts'

/** Transactional ids of others are looked up too (takeover), so the cache is bounded; the oldest entry goes. */
const entriesMax = 1_000

const movedCodes: ReadonlySet<Code> = new Set([codes.NOT_COORDINATOR, codes.COORDINATOR_NOT_AVAILABLE])

export class Coordinators {
  readonly #metadata: Metadata
  readonly #found = new Map<string, Promise<BrokerAddress | Code>>()

  constructor(metadata: Metadata) {
    this.#metadata = metadata
  }

  /**
   * Sends a request to the coordinator of `key`.
   * @param codesOf the codes in an answer, to see that the coordinator moved
   * @returns the answer, or the code with which the look-up itself was answered
   * @throws RequestLost
   */
  async request<Request, Answer>(
    target: { readonly kind: CoordinatorKind; readonly key: string; readonly connections: Connections },
    api: Api<Request, Answer>,
    request: Request,
    timeoutMs: number,
    codesOf: (answer: Answer) => Iterable<Code>,
  ): Promise<{ readonly answer: Answer } | { readonly code: Code }> {
    const { kind, key, connections } = target
    const entry = `${kind}:${key}`
    const found = this.#find(entry, kind, key)
    const broker = await found
    if (typeof broker === 'number') return { code: broker }
    try {
      const answer = await connections.request(broker, api, request, timeoutMs)
      for (const code of codesOf(answer)) if (movedCodes.has(code)) this.#drop(entry, found)
      return { answer }
    } catch (error) {
      if (error instanceof RequestLost) this.#drop(entry, found)
      throw error
    }
  }

  #find(entry: string, kind: CoordinatorKind, key: string): Promise<BrokerAddress | Code> {
    let found = this.#found.get(entry)
    if (found === undefined) {
      found = this.#look(kind, key)
      if (this.#found.size >= entriesMax) this.#found.delete(this.#found.keys().next().value!)
      this.#found.set(entry, found)
      const looked = found
      looked.then(
        (broker) => typeof broker === 'number' && this.#drop(entry, looked),
        () => this.#drop(entry, looked),
      )
    }
    return found
  }

  async #look(kind: CoordinatorKind, key: string): Promise<BrokerAddress | Code> {
    let found: Awaited<ReturnType<typeof findCoordinatorApi.decode>>
    try {
      found = await this.#metadata.askAny(findCoordinatorApi, { kind, key }, requestTimeoutsMs.findCoordinator)
    } catch (error) {
      // Nothing of the caller's request was sent, whatever became of the look-up.
      throw error instanceof RequestLost ? new RequestLost(error.api, false, error.cause) : error
    }
    if (found === null) return codes.COORDINATOR_NOT_AVAILABLE
    return found.code === 0 ? { host: found.host, port: found.port } : found.code
  }

  #drop(entry: string, found: Promise<BrokerAddress | Code>): void {
    if (this.#found.get(entry) === found) this.#found.delete(entry)
  }
}

/** A code for each partition that was asked about: one that the broker left out must never count as committed. */
export function codesAsAsked(
  asked: readonly TopicPartition[],
  result: { readonly answer: readonly PartitionCode[] } | { readonly code: Code },
): readonly PartitionCode[] {
  const answered = new Map<string, Code>()
  if ('answer' in result) for (const entry of result.answer) answered.set(partitionName(entry), entry.code)
  const otherwise = 'answer' in result ? codes.UNKNOWN_SERVER_ERROR : result.code
  return asked.map(({ topic, partition }) => {
    const code = answered.get(partitionName({ topic, partition })) ?? otherwise
    return { topic, partition, code }
  })
}
