/** Every bound of the event streams, by name. Owns numbers, nothing that runs. */

/** Open streams of one process; the next one is answered 503. Below CONNECTIONS_MAX, so that REST keeps room. */
export const SUBSCRIBERS_MAX = 1_500
/** Bytes that wait for one client. One that is slower is dropped, and may resume where it was. */
export const CLIENT_BUFFER_BYTES_MAX = 1024 * 1024
/** A client that catches up is not dropped for being slow, but for taking nothing at all for so long. */
export const STALLED_MAX_MS = 30_000
/** How long the last bytes of a stream may take before its connection is cut. */
export const FLUSH_MAX_MS = 5_000
/** A comment, and the place reached, at least this often: proxies see life, filtered clients get a recent id. */
export const HEARTBEAT_MS = 15_000
/** What EventSource waits before it connects again. */
export const RECONNECT_MS = 1_000

/** Events that the process keeps, so that most who reconnect need no reader of their own. */
export const RECENT_EVENTS_MAX = 4_096
export const RECENT_BYTES_MAX = 4 * 1024 * 1024
/** Events that one client catches up with in one turn of the event loop. */
export const CATCH_UP_EVENTS_MAX = 256
/** Readers of their own that clients have while they catch up; others wait for theirs. */
export const CATCH_UP_READERS_MAX = 16
/** Of them for one tenant: its slow clients keep no other's waiting. */
export const CATCH_UP_READERS_OF_TENANT_MAX = 8
/** The shared reader goes on this long after the last client has left. */
export const LINGER_MS = 10_000

/** Values of one filter. */
export const FILTER_VALUES_MAX = 50
