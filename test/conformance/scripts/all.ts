/** Every script, by area. */
import { fetches } from './fetch.ts'
import { groups } from './groups.ts'
import { inspections } from './inspection.ts'
import { offsetCommits } from './offset-commits.ts'
import { produces } from './produce.ts'
import { producerIds } from './producer-ids.ts'
import type { Script } from './script.ts'

export const scripts: readonly Script[] = [
  ...producerIds,
  ...offsetCommits,
  ...produces,
  ...fetches,
  ...groups,
  ...inspections,
]
