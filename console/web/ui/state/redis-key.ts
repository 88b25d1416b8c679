/**
 * The command that reads a note where it lies. Pure. Source of the keys: docs/redis-keys.md; what is escaped:
 * stores/core/text.ts.
 */
const escapeText = (text: string): string =>
  text.replace(/[^A-Za-z0-9._~:@-]/gu, (character) =>
    character.charCodeAt(0) < 0x80
      ? `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
      : encodeURIComponent(character),
  )

export const guardKey = (application: string, task: number): string => `{${escapeText(application)}:${task}}:task`

/** With the version left open, as it changes with each rebuild. */
export const noteKey = (application: string, task: number, tenantId: string, characterId: number): string =>
  `{${escapeText(application)}:${task}}:<version>:notes:${escapeText(tenantId)}:${characterId}`

/** Asks for the live version first. All that is quoted is escaped, so nothing in it means anything to a shell. */
export function readCommand(
  application: string,
  task: number,
  { tenantId, characterId, noteId }: { tenantId: string; characterId: number; noteId: number },
): string {
  const version = `redis-cli --raw hget '${guardKey(application, task)}' checkpoint | grep -o 'v[0-9a-z]\\{16\\}'`
  const [before, after] = noteKey(application, task, tenantId, characterId).split('<version>') as [string, string]
  return `version=$(${version})\nredis-cli --raw hget "${before}$version${after}" ${noteId}`
}
