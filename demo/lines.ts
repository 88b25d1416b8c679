/** The demo's lines for people: what happens, and how it ended. */
import type { SeenEvent } from './events.ts'
import type { Screen } from './screen.ts'
import type { Verdict } from './verdict.ts'

/** Of each kind of mistake. */
const LISTED = 5

export function lineOf(event: SeenEvent, names: ReadonlyMap<string, string>, { paint }: Screen): string {
  const name = (id: number): string => names.get(`${event.tenantId}:${id}`) ?? String(id)
  const owner = name(event.characterId)
  switch (event.kind) {
    case 'created':
      return `${paint('green', '✉ new    ')} ${name(event.senderId)} → ${owner}: ${event.message}`
    case 'updated':
      return `${paint('yellow', '✎ changed')} ${name(event.senderId)} → ${owner}: ${event.message}`
    case 'deleted':
      return `${paint('gray', '␡ gone   ')} note ${event.noteId} of ${owner}`
    case 'fame':
      return `${paint('magenta', '★ fame   ')} ${owner} is thanked for note ${event.noteId}`
    case 'failed':
      return `${paint('yellow', '! refused')} a note to ${owner}`
    case 'dead':
      return `${paint('red', '† letter ')} ${event.message}`
  }
}

export function showVerdict(
  screen: Screen,
  commands: number,
  { count, notesExpected, notesFound, notesDiffering, reports, right }: Verdict,
): void {
  const entries = reports.reduce((sum, report) => sum + report.entries + report.members, 0)
  const differences = reports.reduce((sum, report) => sum + report.differences, 0)
  screen.say('')
  screen.say(`commands sent    ${commands}`)
  screen.say(`events expected  ${count.expected}`)
  screen.say(`events seen      ${count.seen}`)
  screen.say(`doubled          ${count.doubled.length}`)
  screen.say(`lost             ${count.lost.length}`)
  screen.say(`unexpected       ${count.unexpected.length}`)
  screen.say(`notes left       ${notesExpected} by the commands, ${notesFound} in Redis, ${notesDiffering} differ`)
  screen.say(
    `verify           ${entries} entries of Redis against the changelog, ${differences} ${differences === 1 ? 'difference' : 'differences'}`,
  )
  for (const [name, list] of Object.entries({ doubled: count.doubled, lost: count.lost, unexpected: count.unexpected }))
    for (const event of list.slice(0, LISTED)) screen.say(`  ${name}: ${event}`)
  for (const { task, listed } of reports)
    for (const difference of listed.slice(0, LISTED)) screen.say(`  task ${task}: ${JSON.stringify(difference)}`)
  screen.say(
    right
      ? screen.paint(['bold', 'green'], '✓ The count is right.')
      : screen.paint(['bold', 'red'], '✗ The count is wrong.'),
  )
}
