/**
 * Responsible for: the partition of a key, as Kafka's Java client chooses it.
 * Source: org.apache.kafka.common.utils.Utils.murmur2 and BuiltInPartitioner.partitionForKey.
 */

const SEED = 0x9747b28c
const M = 0x5bd1e995

/** Kafka's murmur2, as a signed 32-bit number. */
export function murmur2(key: Uint8Array): number {
  const length = key.length
  const wholeBytes = length & ~3
  let hash = SEED ^ length
  for (let at = 0; at < wholeBytes; at += 4) {
    let word = key[at]! | (key[at + 1]! << 8) | (key[at + 2]! << 16) | (key[at + 3]! << 24)
    word = Math.imul(word, M)
    word ^= word >>> 24
    hash = Math.imul(hash, M) ^ Math.imul(word, M)
  }
  const rest = length - wholeBytes
  if (rest >= 3) hash ^= key[wholeBytes + 2]! << 16
  if (rest >= 2) hash ^= key[wholeBytes + 1]! << 8
  if (rest >= 1) hash = Math.imul(hash ^ key[wholeBytes]!, M)
  hash ^= hash >>> 13
  hash = Math.imul(hash, M)
  return hash ^ (hash >>> 15)
}

/** The hash without its sign bit, as Java's partitioner uses it: modulo a partition count it is the key's partition. */
export const positiveHash = (key: Uint8Array): number => murmur2(key) & 0x7fffffff

/** The partition of a key among `partitions`. The sign bit is dropped, as Java does; `>>> 0` gives other partitions (trap P18). */
export function partitionFor(key: Uint8Array, partitions: number): number {
  if (!Number.isInteger(partitions) || partitions < 1)
    throw new RangeError(`no such number of partitions: ${partitions}`)
  return positiveHash(key) % partitions
}
