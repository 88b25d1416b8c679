/**
 * One file out of a zip archive, which a jar is. Node has no unzip, a Java runtime without the development kit no `jar`.
 * Reads the central directory; no encryption, no zip64 (archives of 4 GB and more).
 */
import { inflateRawSync } from 'node:zlib'

const END_SIGNATURE = 0x06054b50
const END_BYTES = 22
const COMMENT_BYTES_MAX = 0xffff
const CENTRAL_SIGNATURE = 0x02014b50
const CENTRAL_BYTES = 46
const LOCAL_SIGNATURE = 0x04034b50
const LOCAL_BYTES = 30
const STORED = 0
const DEFLATED = 8
/** Sizes come from the file: an entry that claims or unpacks to more is refused. */
const ENTRY_BYTES_MAX = 64 * 1024 * 1024

/** Content of the entry of exactly this name; undefined when there is none. Throws on a broken archive. */
export function readZipEntry(zip: Buffer, name: string): Buffer | undefined {
  const end = findEnd(zip)
  let at = zip.readUInt32LE(end + 16)
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (zip.readUInt32LE(at) !== CENTRAL_SIGNATURE) throw new Error('zip: the central directory is broken')
    const nameBytes = zip.readUInt16LE(at + 28)
    const entry = zip.toString('utf8', at + CENTRAL_BYTES, at + CENTRAL_BYTES + nameBytes)
    if (entry === name) return content(zip, at, name)
    at += CENTRAL_BYTES + nameBytes + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32)
  }
  return undefined
}

function findEnd(zip: Buffer): number {
  const first = Math.max(0, zip.length - END_BYTES - COMMENT_BYTES_MAX)
  for (let at = zip.length - END_BYTES; at >= first; at -= 1) {
    if (zip.readUInt32LE(at) === END_SIGNATURE) return at
  }
  throw new Error('zip: no end of central directory, so this is no zip archive or a cut one')
}

function content(zip: Buffer, central: number, name: string): Buffer {
  const method = zip.readUInt16LE(central + 10)
  const packedBytes = zip.readUInt32LE(central + 20)
  const bytes = zip.readUInt32LE(central + 24)
  const local = zip.readUInt32LE(central + 42)
  if (bytes > ENTRY_BYTES_MAX) throw new Error(`zip: ${name} is larger than ${ENTRY_BYTES_MAX} bytes`)
  if (zip.readUInt32LE(local) !== LOCAL_SIGNATURE) throw new Error(`zip: the header of ${name} is broken`)
  // Name and extra field are given again before the content, and the extra field may differ.
  const start = local + LOCAL_BYTES + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
  const packed = zip.subarray(start, start + packedBytes)
  if (method !== STORED && method !== DEFLATED) throw new Error(`zip: ${name} is packed by method ${method}`)
  const result = method === STORED ? packed : inflateRawSync(packed, { maxOutputLength: ENTRY_BYTES_MAX })
  if (result.length !== bytes) throw new Error(`zip: ${name} has ${result.length} bytes instead of ${bytes}`)
  return result
}
