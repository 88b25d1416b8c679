/**
 * An id generator for an OpenTelemetry SDK that gives the ids it was told, and random ones otherwise. A span that stands for an
 * output must have the id that the output carries in its `traceparent`, which the engine has computed from the record's place.
 */
import { randomBytes } from 'node:crypto'

export class GivenIds {
  #traceId: string | null = null
  #spanId: string | null = null

  /** The span that is started inside of `start` gets these; `traceId` counts only if it has no parent. */
  during<T>(traceId: string, spanId: string, start: () => T): T {
    this.#traceId = traceId
    this.#spanId = spanId
    try {
      return start()
    } finally {
      this.#traceId = null
      this.#spanId = null
    }
  }

  // As properties: an SDK may call them without their object.
  readonly generateTraceId = (): string => this.#traceId ?? randomId(16)
  readonly generateSpanId = (): string => this.#spanId ?? randomId(8)
}

/** Never all zero: no chance of 2⁻⁶⁴ is taken. */
function randomId(bytes: number): string {
  const id = randomBytes(bytes)
  if (id.every((byte) => byte === 0)) id[0] = 1
  return id.toString('hex')
}

/** Of this process; whoever starts an SDK hands it over. */
export const givenIds = new GivenIds()
