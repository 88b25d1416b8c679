/** What must be true at rest of entries of requests and their queue: I1 for what is remembered, I2 for the bookkeeping. */
import { parseEntryName } from '../../../stores/core/entry-name.ts'
import { type RequestEntry, requests } from '../../../topology/notes/request.ts'
import { REMOVED_AFTER_MS, requestQueue } from '../../../topology/notes/request-expiry.ts'
import type { ExpectedRequests } from '../ledger.ts'
import { Violation } from './violation.ts'

/** Takes the entries and the queue out of the state, once they are judged. */
export function judgeRequests(task: number, state: ReadonlyMap<string, string>, expected: ExpectedRequests) {
  const rest = new Map<string, string>()
  const entries = new Map<string, RequestEntry>()
  const slots = new Map<string, { readonly position: number; readonly expiresAt: number }>()
  for (const [name, json] of state) {
    const { store, key, field } = parseEntryName(name)!
    if (store === requests.name) entries.set(key, JSON.parse(json))
    else if (store === requestQueue.name)
      slots.set(JSON.parse(json).request, { ...JSON.parse(json), position: Number(field) })
    else rest.set(name, json)
  }
  for (const [key, entry] of entries) {
    const slot = slots.get(key)
    if (slot?.position !== entry.position || slot.expiresAt !== entry.expiresAt)
      throw new Violation('I2', `task ${task}: the entry of request ${key} is not in its queue`)
    if (expected.expiresAt.get(key) !== entry.expiresAt)
      throw new Violation('I1', `task ${task}: request ${key} is remembered until ${entry.expiresAt}`)
  }
  if (slots.size !== entries.size)
    throw new Violation('I2', `task ${task}: ${slots.size} requests queue, ${entries.size} are remembered`)
  for (const [key, expiresAt] of expected.expiresAt)
    if (!entries.has(key) && expiresAt + REMOVED_AFTER_MS >= expected.latestMs)
      throw new Violation('I1', `task ${task}: request ${key} is forgotten before ${expiresAt} plus two hours`)
  return rest
}
