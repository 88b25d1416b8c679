/** Every bound of the operators' interface, by name. */

/** Reads that look through logs or whole tasks, under way at once; the next one is answered 503. */
export const HEAVY_READS_MAX = 2
/** An answer that takes longer is given up: 503. */
export const ANSWER_DEADLINE_MS = 10_000
/** As that, for what is asked again and again. */
export const LOOK_DEADLINE_MS = 3_000

export const NOTES_PAGE_DEFAULT = 50
export const NOTES_PAGE_MAX = 500
export const ENTRIES_DEFAULT = 50
export const ENTRIES_MAX = 500
export const HISTORY_DEFAULT = 50
export const HISTORY_MAX = 200
export const LETTERS_DEFAULT = 100
export const LETTERS_MAX = 1_000
/** Letters that one order replays. */
export const REPLAY_DEFAULT = 1_000
export const REPLAY_MAX = 10_000
export const PLACES_MAX = 1_000
export const NAME_CHARACTERS_MAX = 60
/** Why a process is not ready, of many tasks. */
export const REASONS_MAX = 20
