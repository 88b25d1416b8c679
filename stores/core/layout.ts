/**
 * The key layout as others see it: one import for names, checkpoint text and write plans. Owns nothing.
 */
export { decodeCheckpoint, encodeCheckpoint } from './checkpoint-codec.ts'
export { type EntryName, entryName, parseEntryName } from './entry-name.ts'
export {
  checkLayout,
  LayoutError,
  parseStateKey,
  stateKey,
  TASK_FIELDS,
  type TaskKeys,
  taskKeys,
  versionName,
  versionOf,
} from './keys.ts'
export { cutChanges, planWrites, type WritePlan, WritePlanner } from './write-plan.ts'
