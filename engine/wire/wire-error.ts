/**
 * Responsible for: the errors of the record-batch codec.
 * They concern a whole batch (or what follows it); what concerns one record is HeadersCorrupt in core/headers.ts.
 */

const REMEDIES = {
  'wire.corrupt':
    'Look at the partition with kafka-dump-log.sh --deep-iteration around the offset named. If the log is sound, the connection damaged the bytes: fetch again.',
  'wire.unsupported_magic':
    'The log holds batches of a message format before Kafka 0.11. Read on from an offset behind them, or have them rewritten by a current broker.',
  'wire.unsupported_compression': 'The batch names a compression that Kafka does not define. Look at who produces it.',
  'wire.too_large': 'The batch is larger than this service takes. Lower max.message.bytes of the topic.',
} as const

export type WireErrorCode = keyof typeof REMEDIES

export class WireError extends Error {
  readonly code: WireErrorCode
  readonly remedy: string
  constructor(code: WireErrorCode, reason: string, cause?: unknown) {
    super(reason, cause === undefined ? undefined : { cause })
    this.name = 'WireError'
    this.code = code
    this.remedy = REMEDIES[code]
  }
}

/** A single record is larger than a batch may be. Thrown before anything of it is added. */
export class RecordTooLarge extends Error {
  readonly code = 'output.too_large'
  readonly remedy = 'Raise max.message.bytes of the topic it is written to, or let the transform emit less.'
  readonly limitBytes: number
  constructor(limitBytes: number) {
    super(`a record does not fit a batch of ${limitBytes} bytes`)
    this.name = 'RecordTooLarge'
    this.limitBytes = limitBytes
  }
}

export const corrupt = (reason: string, cause?: unknown): WireError => new WireError('wire.corrupt', reason, cause)
