/**
 * Text form of a Checkpoint in the task's hash. Owns the format and its validation; pure.
 * The guard of every script compares this text byte by byte, so what is expected is always the text that was sent or
 * found, never a text that was decoded and encoded again.
 */
import { offset } from '../../engine/core/numbers.ts'
import type { Checkpoint } from '../ports.ts'

type Positions = Checkpoint['positions']

/** The state version comes first: it is what people look for. */
export function encodeCheckpoint(checkpoint: Checkpoint): string {
  return JSON.stringify({
    stateVersion: checkpoint.stateVersion,
    batch: checkpoint.batch,
    offset: checkpoint.offset,
    firstOffset: checkpoint.firstOffset,
    committedAtMs: checkpoint.committedAtMs,
    clusterId: checkpoint.clusterId,
    changelogTopicId: checkpoint.changelogTopicId,
    groupId: checkpoint.groupId,
    counters: checkpoint.counters,
    published: checkpoint.published,
    positions: checkpoint.positions,
  })
}

/** null when the text is not a checkpoint: the caller rebuilds, as if there were none. */
export function decodeCheckpoint(text: string | null): Checkpoint | null {
  if (text === null) return null
  const value = parseObject(text)
  if (value === null) return null
  const { stateVersion, batch, offset: at, firstOffset, committedAtMs, clusterId, changelogTopicId } = value
  const { groupId, counters, published, positions } = value
  if (typeof stateVersion !== 'string' || stateVersion === '') return null
  if (typeof clusterId !== 'string' || typeof changelogTopicId !== 'string') return null
  if (!isInteger(batch) || !isInteger(at) || !isInteger(firstOffset) || !isInteger(committedAtMs)) return null
  if (!isNumbers(counters) || !isPositions(published) || !isPositions(positions)) return null
  return {
    batch,
    offset: offset(at),
    firstOffset: offset(firstOffset),
    committedAtMs,
    clusterId,
    changelogTopicId,
    ...(typeof groupId === 'string' ? { groupId } : {}),
    stateVersion,
    counters,
    published,
    positions,
  }
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

function isNumbers(value: unknown): value is Readonly<Record<string, number>> {
  return isObject(value) && Object.values(value).every(isInteger)
}

function isPositions(value: unknown): value is Positions {
  return isObject(value) && Object.values(value).every(isNumbers)
}
