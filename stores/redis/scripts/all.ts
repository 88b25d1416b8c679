/** Every script, as loaded on each new connection of a task. */
import { CLAIM } from './claim.ts'
import { READ } from './read.ts'
import { REGISTER, SWITCH } from './rebuild.ts'
import { SCAN_HASH } from './scan-hash.ts'
import type { Script } from './script.ts'
import { SWEEP_FINISH, SWEEP_INSPECT, SWEEP_REMOVE } from './sweep.ts'
import { WRITE } from './write.ts'

export const ALL_SCRIPTS: readonly Script[] = [
  CLAIM,
  READ,
  SCAN_HASH,
  WRITE,
  REGISTER,
  SWITCH,
  SWEEP_INSPECT,
  SWEEP_REMOVE,
  SWEEP_FINISH,
]
