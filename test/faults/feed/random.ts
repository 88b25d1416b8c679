/** A generator of numbers from 0 to 1 that a seed determines (mulberry32). */
export type Random = () => number

export function seeded(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export const below = (random: Random, bound: number): number => Math.floor(random() * bound)
export const pick = <T>(random: Random, from: readonly T[]): T => from[below(random, from.length)]!

/** PROOF_SEED, else one from the clock; printed by whoever uses it. */
export const newSeed = (): number => Number(process.env['PROOF_SEED'] ?? Date.now() % 1_000_000_007)
