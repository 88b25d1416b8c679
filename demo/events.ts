/** What the demo sees in the service's output topics: each record as the ledger's text and as a line for people. Pure. */

import { keyOf, type RecordView, readHeaders, valueOf as valueBytesOf } from '../engine/core/headers.ts'
import { readDeadLetter } from '../operations/core/dead-letter.ts'
import { createdText, deadText, deletedText, failedText, sagaText, updatedText } from './ledger.ts'

export type Kind = 'created' | 'updated' | 'deleted' | 'failed' | 'fame' | 'dead'

export interface SeenEvent {
  readonly kind: Kind
  /** As the ledger counts it. */
  readonly text: string
  /** Of the note, where there is one. */
  readonly noteId: number | null
  readonly transactionId: string | null
  readonly tenantId: string
  readonly characterId: number
  readonly senderId: number
  readonly message: string
}

interface StatusValue {
  readonly transactionId: string
  readonly characterId: number
  readonly type: 'CREATED' | 'UPDATED' | 'DELETED' | 'CREATE_FAILED'
  readonly body: { readonly noteId: number; readonly senderId: number; readonly message: string; readonly flag: number }
}

interface SagaValue {
  readonly steps: readonly { readonly stepId: string; readonly payload: { readonly characterId: number } }[]
}

const NOTHING = { noteId: null, transactionId: null, tenantId: '', characterId: 0, senderId: 0, message: '' }

export function statusEvent(view: RecordView): SeenEvent {
  const { type, transactionId, characterId, body } = JSON.parse(valueBytesOf(view)!.toString('utf8')) as StatusValue
  const tenantId = tenantOf(view)
  const { noteId, senderId, message, flag } = body
  const seen = { noteId, transactionId, tenantId, characterId, senderId, message }
  const note = { tenantId, characterId, senderId, message, flag }
  switch (type) {
    case 'CREATED':
      return { ...seen, kind: 'created', text: createdText(noteId, note, transactionId) }
    case 'UPDATED':
      return { ...seen, kind: 'updated', text: updatedText(noteId, note) }
    case 'DELETED':
      return { ...seen, kind: 'deleted', text: deletedText(tenantId, characterId, noteId) }
    case 'CREATE_FAILED':
      return { ...seen, kind: 'failed', text: failedText(tenantId, characterId, transactionId) }
  }
}

export function sagaEvent(view: RecordView): SeenEvent {
  const { steps } = JSON.parse(valueBytesOf(view)!.toString('utf8')) as SagaValue
  const [step] = steps
  const noteId = Number(step!.stepId.split('-').at(-1))
  const tenantId = tenantOf(view)
  const characterId = step!.payload.characterId
  return { ...NOTHING, kind: 'fame', noteId, tenantId, characterId, text: sagaText(tenantId, characterId, noteId) }
}

export function deadLetterEvent(partition: number, view: RecordView): SeenEvent {
  const { reason, message, origin } = readDeadLetter(partition, view) ?? { reason: '', message: '', origin: null }
  const where = origin && `${origin.topic}-${origin.partition}@${origin.offset}`
  return {
    ...NOTHING,
    kind: 'dead',
    message: `${reason}: ${message}`,
    text: deadText(reason, where ?? String(keyOf(view))),
  }
}

const tenantOf = (view: RecordView): string =>
  readHeaders(view)
    .find(({ name }) => name === 'TENANT_ID')
    ?.value?.toString('latin1') ?? ''
