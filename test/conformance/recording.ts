/**
 * What processes say to a real cluster at the ports, and what they are answered, in the order in which it happened. Owns
 * the recording; copies what it records, for buffers are used again.
 */
import type { Kafka } from '../../engine/ports.ts'
import type { MemoryConnection } from '../../testing/kafka/memory-kafka.ts'

/** Where a call goes: a client that the process has made (with what), or a part of the connection itself. */
export interface Call {
  readonly kind: 'call'
  readonly id: number
  readonly atMs: number
  readonly process: string
  /** `transactionClient`, `groupClient`, `fetchClient`, `publisher`, `admin`, `transactions` … */
  readonly client: string
  readonly options: readonly unknown[]
  readonly method: string
  readonly args: readonly unknown[]
}

export interface Answer {
  readonly kind: 'answer'
  /** Of the call. */
  readonly id: number
  readonly atMs: number
  readonly value: unknown
  readonly isLost: boolean
}

export type TraceEvent = Call | Answer

const MAKERS = new Set(['transactionClient', 'groupClient', 'fetchClient', 'publisher', 'groupAdmin'])
const PARTS = new Set(['admin', 'transactions'])

type Method = (...args: unknown[]) => unknown

export class Recording {
  readonly events: TraceEvent[] = []
  readonly #startMs = Math.round(performance.now())
  #ids = 0

  /** As a process uses it; `kill` cuts it off for good, as the end of a process does. */
  connect(process: string, kafka: Kafka): MemoryConnection {
    const state = { isAlive: true }
    const wrapped = new Proxy(kafka, {
      get: (target, name) => {
        const found = Reflect.get(target, name) as unknown
        if (PARTS.has(String(name))) return this.#spy(found as object, process, String(name), [], state)
        if (MAKERS.has(String(name)))
          return (...options: unknown[]) =>
            this.#spy((found as Method).apply(target, options) as object, process, String(name), options, state)
        if (name === 'kill')
          return () => {
            state.isAlive = false
          }
        return typeof found === 'function' ? (found as Method).bind(target) : found
      },
    })
    return wrapped as MemoryConnection
  }

  #spy(target: object, process: string, client: string, options: readonly unknown[], state: { isAlive: boolean }) {
    return new Proxy(target, {
      get: (of, name) => {
        const found = Reflect.get(of, name) as unknown
        if (typeof found !== 'function') return found
        return (...args: unknown[]): unknown => {
          if (!state.isAlive) return new Promise(() => {})
          const id = this.#ids++
          const method = String(name)
          if (method !== 'close')
            this.events.push({
              kind: 'call',
              id,
              atMs: this.#nowMs(),
              process,
              client,
              options,
              method,
              args: copy(args) as unknown[],
            })
          return this.#answered(id, (found as Method).apply(of, args) as Promise<unknown>, state)
        }
      },
    })
  }

  async #answered(id: number, work: Promise<unknown>, state: { isAlive: boolean }): Promise<unknown> {
    const tell = (value: unknown, isLost: boolean): void => {
      if (state.isAlive) this.events.push({ kind: 'answer', id, atMs: this.#nowMs(), value: copy(value), isLost })
    }
    try {
      const value = await work
      tell(value, false)
      if (!state.isAlive) await new Promise(() => {})
      return value
    } catch (error) {
      tell(String(error), true)
      if (!state.isAlive) await new Promise(() => {})
      throw error
    }
  }

  #nowMs(): number {
    return Math.round(performance.now() - this.#startMs)
  }
}

function copy(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return Buffer.from(value)
  if (Array.isArray(value)) return value.map(copy)
  if (value instanceof Map) return new Map([...value].map(([k, v]) => [k, copy(v)]))
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, copy(v)]))
  return value
}
