/**
 * Responsible for: packing and unpacking the records of a batch in the four compressions Kafka knows.
 * Owns: the bound on what is unpacked.
 * Does not: decide which compression is used.
 */
import { constants, gunzipSync, gzip, gzipSync, zstdCompress, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { lz4Compress, snappyCompress } from '@platformatic/wasm-utils'
import type { Compression } from './layout.ts'
import { unpackLz4Frame } from './lz4.ts'
import { unpackSnappy } from './snappy.ts'
import { corrupt, WireError } from './wire-error.ts'

/** The records of one batch may unpack to this much. Kafka's own producers stay at 1 MiB before packing. */
export const UNPACKED_BYTES_MAX = 128 * 1024 * 1024

/**
 * Output is gathered in chunks. The default of 16 KiB costs a batch of 740 KiB five times as long (0.80 ms, not 0.15).
 */
const CHUNK_BYTES_MIN = 16 * 1024
const CHUNK_BYTES_MAX = 1024 * 1024
/** Records unpack to about this multiple; only the number of chunks depends on it. */
const EXPANSION_USUAL = 10

/** Level 1: half the time of the default level for 5 % more bytes. */
const ZSTD_OPTIONS = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }
const GZIP_OPTIONS = { level: 1 }

/** Packs synchronously. */
export function pack(compression: Exclude<Compression, 'none'>, bytes: Buffer): Buffer {
  switch (compression) {
    case 'zstd':
      return zstdCompressSync(bytes, ZSTD_OPTIONS)
    case 'gzip':
      return gzipSync(bytes, GZIP_OPTIONS)
    case 'lz4':
      return lz4Compress(bytes)
    case 'snappy':
      return snappyCompress(bytes)
  }
}

/** Packs on a thread of Node's pool; only zstd and gzip can. `bytes` must not change until it is done. */
export function packAside(compression: 'zstd' | 'gzip', bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, packed: Buffer): void => (error ? reject(error) : resolve(packed))
    if (compression === 'zstd') zstdCompress(bytes, ZSTD_OPTIONS, done)
    else gzip(bytes, GZIP_OPTIONS, done)
  })
}

/** Throws WireError: `wire.corrupt`, `wire.too_large` (beyond limitBytes, which is never allocated at once). */
export function unpack(
  compression: Exclude<Compression, 'none'>,
  packed: Buffer,
  limitBytes: number = UNPACKED_BYTES_MAX,
): Buffer {
  switch (compression) {
    case 'lz4':
      return unpackLz4Frame(packed, limitBytes)
    case 'snappy':
      return unpackSnappy(packed, limitBytes)
  }
  const chunkSize = Math.min(CHUNK_BYTES_MAX, Math.max(CHUNK_BYTES_MIN, packed.length * EXPANSION_USUAL))
  const options = { maxOutputLength: limitBytes, chunkSize }
  try {
    return compression === 'zstd' ? zstdDecompressSync(packed, options) : gunzipSync(packed, options)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new WireError('wire.too_large', `${compression}: unpacks to more than ${limitBytes} bytes`, error)
    throw corrupt(`${compression}: ${(error as Error).message}`, error)
  }
}
