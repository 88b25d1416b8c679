/** The instances of the application, as they tell of themselves. */
import { decodeCard, type InstanceCard } from '../engine/core/instance-card.ts'
import type { InstanceBoard } from '../stores/ports.ts'

/** By name; what cannot be read is left out. Throws StoreLost. */
export async function instanceCards(board: InstanceBoard): Promise<ReadonlyMap<string, InstanceCard>> {
  const cards = new Map<string, InstanceCard>()
  for (const { name, json } of await board.told()) {
    const card = decodeCard(json)
    if (card) cards.set(name, card)
  }
  return cards
}
