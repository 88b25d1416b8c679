/** Sends prepared messages at a pace. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Message } from '../feed/message.ts'
import type { Sender } from '../feed/sender.ts'

const TICK_MS = 20

/** `hurry` answered true: the rest at once. Throws when a batch is not acknowledged: such a run needs them all. */
export async function sendPaced(
  sender: Sender,
  messages: readonly Message[],
  perSecond: number,
  hurry: () => boolean,
): Promise<void> {
  const beganMs = performance.now()
  for (let sent = 0; sent < messages.length; ) {
    const due = hurry() ? messages.length : Math.floor(((performance.now() - beganMs) / 1_000) * perSecond)
    const batch = messages.slice(sent, Math.min(due, sent + 500))
    if (batch.length > 0 && !(await sender.send(batch))) throw new Error('the feed was not acknowledged')
    sent += batch.length
    if (batch.length < 500) await sleep(TICK_MS)
  }
}
