/**
 * The input as the log has it, read as the contract says: what each record must cause. Independent of the engine. Every
 * command of the feed carries a trace of its own, and outputs carry the trace of their cause: that is how they are paired.
 */
import { headerText, type LogRecord } from '../../java/log-record.ts'

interface Common {
  /** `<topic>-<partition>@<offset>` */
  readonly at: string
  /** `<topic>-<partition>` */
  readonly from: string
  readonly record: LogRecord
  readonly topic: string
  readonly trace: string
  readonly tenant: string
  readonly characterId: number
}

export interface CreateCause extends Common {
  readonly kind: 'create'
  readonly transactionId: string
  readonly senderId: number
  readonly message: string
  readonly flag: number
  /** `senderId is required` …; undefined when it must succeed. */
  readonly failure: string | undefined
}
export interface UpdateCause extends Common {
  readonly kind: 'update'
  readonly noteId: number
  readonly senderId: number | undefined
  readonly message: string | undefined
  readonly flag: number | undefined
}
export interface DiscardCause extends Common {
  readonly kind: 'discard'
  readonly worldId: number
  readonly channelId: number
  /** Without repeats, in order. */
  readonly noteIds: readonly number[]
  readonly sagas: boolean
}
export interface PurgeCause extends Common {
  readonly kind: 'purge'
  /** Notes that the feed had seen when it sent the event: these must be gone. */
  readonly known: readonly number[]
}
export interface BadCause extends Common {
  readonly kind: 'bad'
  readonly code: string
}
export interface IgnoredCause extends Common {
  readonly kind: 'ignored'
}
export type Cause = CreateCause | UpdateCause | DiscardCause | PurgeCause | BadCause | IgnoredCause

export const NIL = '00000000-0000-0000-0000-000000000000'
/** Header of a record that must become a dead letter with this code. The service knows nothing of it. */
export const EXPECT_HEADER = 'proof-expect'

export type Input = {
  readonly topic: string
  readonly role: 'commands' | 'characters'
  readonly records: readonly LogRecord[]
}

export const causesOf = (inputs: readonly Input[]): readonly Cause[] =>
  inputs.flatMap(({ topic, role, records }) => records.map((record) => causeOf(topic, role, record)))

function causeOf(topic: string, role: Input['role'], record: LogRecord): Cause {
  const from = `${topic}-${record.partition}`
  const common = {
    at: `${from}@${record.offset}`,
    from,
    record,
    topic,
    trace: traceOf(record) ?? '',
    tenant: (headerText(record, 'TENANT_ID') ?? '').toLowerCase(),
    characterId: 0,
  }
  const code = headerText(record, EXPECT_HEADER)
  if (code !== undefined) return { ...common, kind: 'bad', code }
  const command = JSON.parse(record.value!.toString('utf8'))
  const body = command.body ?? {}
  const known = { ...common, characterId: command.characterId ?? 0 }
  if (role === 'characters') {
    if (command.type !== 'DELETED') return { ...known, kind: 'ignored' }
    return { ...known, kind: 'purge', known: command.known ?? [] }
  }
  switch (command.type) {
    case 'CREATE': {
      const { senderId = 0, message = '', flag = 0 } = body
      const failure = !known.characterId ? 'characterId' : !senderId ? 'senderId' : !message ? 'message' : undefined
      const transactionId = command.transactionId ?? NIL
      return {
        ...known,
        kind: 'create',
        transactionId,
        senderId,
        message,
        flag,
        failure: failure && `${failure} is required`,
      }
    }
    case 'UPDATE':
      return {
        ...known,
        kind: 'update',
        noteId: body.noteId,
        senderId: body.senderId,
        message: body.message,
        flag: body.flag,
      }
    case 'DISCARD':
    case 'DELETE': {
      const { worldId = 0, channelId = 0 } = command
      const noteIds = [...new Set<number>(body.noteIds ?? [])]
      return { ...known, kind: 'discard', worldId, channelId, noteIds, sagas: command.type === 'DISCARD' }
    }
    default:
      throw new Error(`${common.at}: the feed sent what the checker does not know: ${command.type}`)
  }
}

/** The trace id of a traceparent header. */
export const traceOf = (record: LogRecord): string | undefined =>
  /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(headerText(record, 'traceparent') ?? '')?.[1]

export const spanOf = (record: LogRecord): string | undefined => headerText(record, 'traceparent')?.slice(36, 52)
