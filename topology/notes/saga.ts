/** The saga that thanks a sender with fame when the receiver discards the note. */
import type { Emit } from '../effects.ts'
import { sink } from '../sinks.ts'
import type { Discard } from './messages.ts'
import { fameSagaSchema } from './schemas.ts'
import type { Note } from './state.ts'
import type { Tenant } from './tenant.ts'
import { uuidV5 } from './uuid.ts'

export interface FameSaga {
  readonly transactionId: string
  readonly sagaType: 'inventory_transaction'
  readonly initiatedBy: 'note-discard-fame'
  readonly steps: readonly {
    readonly stepId: string
    readonly status: 'pending'
    readonly action: 'award_fame'
    readonly payload: {
      readonly characterId: number
      readonly worldId: number
      readonly channelId: number
      readonly amount: number
    }
    readonly createdAt: string
    readonly updatedAt: string
  }[]
}

export const sagaCommands = sink<FameSaga>({
  topic: 'COMMAND_TOPIC_SAGA',
  value: fameSagaSchema,
  keyedBy: 'other',
  keyDescription: 'transactionId, as text',
})

/** Its key is its transactionId, as text. */
export function awardFame(tenant: Tenant, command: Discard, noteId: number, note: Note, time: string): Emit {
  const transactionId = sagaIdOf(tenant.id, noteId)
  return sagaCommands.emit(Buffer.from(transactionId, 'latin1'), {
    transactionId,
    sagaType: 'inventory_transaction',
    initiatedBy: 'note-discard-fame',
    steps: [
      {
        stepId: `award-fame-${note.senderId}-${noteId}`,
        status: 'pending',
        action: 'award_fame',
        payload: {
          characterId: note.senderId,
          worldId: command.worldId,
          channelId: command.channelId,
          amount: 1,
        },
        createdAt: time,
        updatedAt: time,
      },
    ],
  })
}

/**
 * UUID v5 of tenant and note: in the name space of the tenant's own UUID, of the name `note:<noteId>`. A note is discarded
 * once and its id never used again, so this names one saga, and the same one when the record is processed again.
 */
export const sagaIdOf = (tenantId: string, noteId: number): string => uuidV5(tenantId, `note:${noteId}`)
