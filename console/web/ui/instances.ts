/** An instance whose card is older is not living: as the service counts it (operations/core/flow.ts). */
export const LIVING_MS = 10_000
