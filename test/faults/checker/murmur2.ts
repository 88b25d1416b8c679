/** Kafka's partition rule, written again from its Java source: the checker must not share a mistake with the engine. */

function murmur2(data: Buffer): number {
  const M = 0x5bd1e995
  let h = 0x9747b28c ^ data.length
  let i = 0
  for (; i + 4 <= data.length; i += 4) {
    let k = data.readInt32LE(i)
    k = Math.imul(k, M)
    k ^= k >>> 24
    k = Math.imul(k, M)
    h = Math.imul(h, M) ^ k
  }
  const rest = data.length - i
  if (rest >= 3) h ^= data[i + 2]! << 16
  if (rest >= 2) h ^= data[i + 1]! << 8
  if (rest >= 1) h = Math.imul(h ^ data[i]!, M)
  h ^= h >>> 13
  h = Math.imul(h, M)
  return h ^ (h >>> 15)
}

export function characterKey(characterId: number): Buffer {
  const key = Buffer.alloc(8)
  key.writeUInt32LE(characterId)
  return key
}

export const partitionOf = (characterId: number, partitions: number): number =>
  (murmur2(characterKey(characterId)) & 0x7fffffff) % partitions
