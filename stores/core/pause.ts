/** Text form of a Pause. Owns the format; pure. */
import type { Pause } from '../ports.ts'

export const encodePause = ({ since, by }: Pause): string => JSON.stringify({ since, by })

/** Never null for a text: what is there is an order to pause, whoever wrote it. */
export function decodePause(text: string): Pause {
  try {
    const value: unknown = JSON.parse(text)
    const { since, by } = value as Partial<Record<keyof Pause, unknown>>
    if (typeof since === 'string' && typeof by === 'string') return { since, by }
  } catch {
    // Written by hand: it counts all the same.
  }
  return { since: '', by: '' }
}
