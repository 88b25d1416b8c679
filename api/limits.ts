/** Every bound of the HTTP side, by name. Owns numbers, nothing that runs. */

/** Bytes of a request's body. A note larger than this would not fit a record of the command topic with room to spare. */
export const BODY_BYTES_MAX = 256 * 1024
/** Bytes of a request's line and headers together; Node refuses what is larger before anything else sees it. */
export const HEADER_BYTES_MAX = 16 * 1024
export const URL_BYTES_MAX = 4 * 1024
/** How long a client may take to send the headers, and the whole request. A slow one is cut off. */
export const HEADERS_TIMEOUT_MS = 5_000
export const REQUEST_TIMEOUT_MS = 10_000
/** How often those two are looked at. */
export const TIMEOUTS_CHECKED_EVERY_MS = 1_000
export const KEEP_ALIVE_MS = 30_000
/** How long a client whose bytes were no request may take to hear so and hang up. */
export const HANG_UP_MS = 2_000
/** Open connections; the next one is closed at once. */
export const CONNECTIONS_MAX = 2_000
/** Requests of the REST interface under way at once, but for those that only wait for an outcome; the next one is answered 503. */
export const REQUESTS_UNDER_WAY_MAX = 1_000
/** The event loop may lag this much before requests are turned away. */
export const EVENT_LOOP_DELAY_MAX_MS = 1_000

/** Depth of the JSON of a body. A note takes three. */
export const JSON_DEPTH_MAX = 32
export const IDEMPOTENCY_KEY_LENGTH_MAX = 255

export const PAGE_SIZE_DEFAULT = 50
export const PAGE_SIZE_MAX = 250
export const PAGE_NUMBER_MAX = 0xffff_ffff

/** A note whose id is above what is applied may be on its way: so long is waited before it is said not to exist. */
export const UNREAD_NOTE_WAIT_MS = 250

/** How long a command may take to be acknowledged by Kafka. */
export const PUBLISH_DEADLINE_MS = 1_500
/** Bytes of commands in one record batch, below the default `max.message.bytes`. */
export const PUBLISH_BATCH_BYTES_MAX = 512 * 1024
/** Produce calls under way at once. */
export const PUBLISHES_UNDER_WAY_MAX = 4

/** From the command's being written to the answer; then the answer is 202. */
export const OUTCOME_DEADLINE_MS = 10_000
/** Writes that wait for their outcome; the next one is answered 503. */
export const WAITERS_MAX = 1_000
/** Of them for one partition. */
export const WAITERS_PER_TASK_MAX = 250
/** Pauses between two looks for outcomes of a task: short behind one that was found, growing to the longest. */
export const OUTCOME_POLL_MIN_MS = 2
export const OUTCOME_POLL_MAX_MS = 40
/** Entries asked for at once. */
export const OUTCOME_POLL_KEYS_MAX = 500
/** A command that was written is answered 202 when the store has been away for this long. */
export const OUTCOME_STORE_PATIENCE_MS = 1_000

/** A read of the store without an answer for this long: the store is away. */
export const STORE_DEADLINE_MS = 1_000

/** What Retry-After says, in seconds. */
export const RETRY_AFTER_SECONDS = 1

/** Partitions that one freshness header names: the stalest, when there are more. */
export const FRESHNESS_PARTITIONS_MAX = 64
