/** The key of everything that concerns a character: what decides where it is processed, and where its events go. */

/** 8 bytes: characterId as little-endian uint32, then zeros. */
export function characterKey(characterId: number): Buffer {
  const key = Buffer.allocUnsafe(8)
  key.writeUInt32LE(characterId, 0)
  key.writeUInt32LE(0, 4)
  return key
}
