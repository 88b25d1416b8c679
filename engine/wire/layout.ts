/**
 * The record batch of magic 2, as numbers.
 * Source: org.apache.kafka.common.record.internal.DefaultRecordBatch.
 */

export const BASE_OFFSET_AT = 0
/** int32: bytes that follow this field. */
export const LENGTH_AT = 8
export const LEADER_EPOCH_AT = 12
export const MAGIC_AT = 16
/** uint32, CRC-32C of everything from ATTRIBUTES_AT to the end. */
export const CRC_AT = 17
export const ATTRIBUTES_AT = 21
export const LAST_OFFSET_DELTA_AT = 23
export const BASE_TIMESTAMP_AT = 27
export const MAX_TIMESTAMP_AT = 35
export const PRODUCER_ID_AT = 43
export const EPOCH_AT = 51
export const BASE_SEQUENCE_AT = 53
export const COUNT_AT = 57
export const HEADER_BYTES = 61

/** Bytes in front of what the length field counts. */
export const FRAME_BYTES = 12
export const MAGIC = 2

export const COMPRESSION_MASK = 0x07
export const LOG_APPEND_TIME_FLAG = 0x08
export const TRANSACTIONAL_FLAG = 0x10
export const CONTROL_FLAG = 0x20

/** Length, attributes, timestamp delta, offset delta, key length, value length, header count: a byte each. */
export const RECORD_BYTES_MIN = 7

/** A batch beyond this is refused when read, compressed or not; Kafka's own default bound is 1 MiB. */
export const BATCH_BYTES_MAX = 128 * 1024 * 1024

export const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type Compression = (typeof COMPRESSIONS)[number]
