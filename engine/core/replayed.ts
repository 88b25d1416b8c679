/** How a dead letter is known that was sent again (operations/replay.ts). Alone here: the console's page has its types, too. */

/** Its header: the letter it is from. Its timestamp is that of the first time. */
export const REPLAYED_FROM = 'dead-letter.replayed-from'
