/** `tributary dead-letters`: what could not be processed, and why; and sending it again. */
import { type Command, InvalidArgumentError } from 'commander'
import {
  type DeadLetterRecord,
  deadLetterJson,
  originText,
  parsePlace,
  placeText,
  type ReplayedJson,
  timeText,
} from '../../operations/core/dead-letter.ts'
import type { ReplayNote } from '../../operations/core/replay-note.ts'
import { bytesAsJson, bytesAsText, printable } from '../../operations/core/text.ts'
import { type KnownLetter, letterAt, newestLetters, SEARCH_OFFSETS_MAX } from '../../operations/dead-letters.ts'
import { OperationError } from '../../operations/errors.ts'
import { type ReplayReport, replay } from '../../operations/replay.ts'
import { type Io, type KafkaContext, withKafka } from '../context.ts'
import { table } from '../core/table.ts'
import { EXIT } from '../errors.ts'
import { json, type Register, type Run, userName, wholeNumber, withJson } from './command.ts'

const LIMIT_DEFAULT = 20
const REPLAY_LIMIT_DEFAULT = 100
const LIMIT_MAX = 10_000
const CELL_CHARACTERS_MAX = 60
const KEY_CHARACTERS_MAX = 24

export const deadLettersCommand: Register = (parent, io, run) => {
  const deadLetters = parent
    .command('dead-letters')
    .description('records that could not be processed: looking, and sending them again')
  withJson(deadLetters.command('list'))
    .description('the newest dead letters, newest last, and which were replayed')
    .option('--reason <code>', 'of this reason alone, as value.not_json')
    .option('--limit <count>', 'how many', wholeNumber(1, LIMIT_MAX), LIMIT_DEFAULT)
    .action((options: { json?: true; reason?: string; limit: number }) =>
      run(() =>
        withKafka(io, async (context) => {
          const { reason = null, limit } = options
          const { letters, complete } = await newestLetters(context, { reason, limit })
          const { topic } = context.plan.deadLetters
          if (options.json)
            io.out(
              json({
                topic,
                complete,
                deadLetters: letters.map(({ letter, note }) => deadLetterJson(topic, letter, replayedJson(note))),
              }),
            )
          else if (letters.length > 0) io.out(listText(letters))
          else io.err('no dead letters\n')
          if (!complete)
            io.err(`looked at the last ${SEARCH_OFFSETS_MAX} offsets of each partition: there may be older ones\n`)
          return EXIT.ok
        }),
      ),
    )
  show(deadLetters, io, run)
  replayCommand(deadLetters, io, run)
}

function show(parent: Command, io: Io, run: Run): void {
  withJson(parent.command('show'))
    .description('one dead letter: reason, message, origin, and the original bytes; exits 1 when there is none')
    .argument('<place>', 'partition@offset, as the list has it', placeLike)
    .action((text: string, options: { json?: true }) =>
      run(() =>
        withKafka(io, async (context) => {
          const { topic } = context.plan.deadLetters
          const found = await letterAt(context, placeOf(context, text))
          if (!found) {
            io.err(`no dead letter lies at ${text}\n`)
            return EXIT.negative
          }
          const { letter, note } = found
          io.out(
            options.json
              ? json(deadLetterJson(topic, letter, replayedJson(note), Number.POSITIVE_INFINITY))
              : letterText(letter, note),
          )
          return EXIT.ok
        }),
      ),
    )
}

function replayCommand(parent: Command, io: Io, run: Run): void {
  withJson(parent.command('replay'))
    .description('send dead letters again, unchanged, to where they were first read; each exactly once')
    .argument(
      '[places...]',
      'partition@offset, as the list has it; none: all that were not replayed, oldest first',
      placesLike,
    )
    .option('--reason <code>', 'of this reason alone, as value.not_json')
    .option('--limit <count>', 'how many', wholeNumber(1, LIMIT_MAX), REPLAY_LIMIT_DEFAULT)
    .option('--execute', 'send them; without this nothing is written')
    .addHelpText(
      'after',
      `
A letter is sent again once: what was replayed is noted beside it in the same transaction, and the next run skips it,
also after a run that was killed. What was cut, or is no source's record, is refused (exit 1). Mend the cause first.`,
    )
    .action((places: string[] | undefined, options: { json?: true; reason?: string; limit: number; execute?: true }) =>
      run(() =>
        withKafka(io, async (context) => {
          const execute = options.execute === true
          const report = await replay(context, {
            places: (places ?? []).map((text) => placeOf(context, text)),
            reason: options.reason ?? null,
            limit: options.limit,
            execute,
            by: userName(),
            signal: execute ? io.interrupted?.() : undefined,
          })
          io.out(options.json ? json({ execute, ...report }) : replayText(report, execute))
          const bad = report.items.some(({ outcome }) => outcome === 'refused' || outcome === 'missing')
          return bad ? EXIT.negative : EXIT.ok
        }),
      ),
    )
}

const replayedJson = (note: ReplayNote | null): ReplayedJson | null => note && { at: note.at, to: note.to, by: note.by }

function placeLike(text: string): string {
  if (/^(?:.+-)?\d{1,6}@\d{1,16}$/.test(text)) return text
  throw new InvalidArgumentError('Give partition@offset, as 3@17.')
}

const placesLike = (text: string, before: string[] = []): string[] => [...before, placeLike(text)]

function placeOf({ plan }: KafkaContext, text: string): { partition: number; offset: number } {
  const { topic, partitions } = plan.deadLetters
  const place = parsePlace(text, topic)
  if (!place || place.partition >= partitions)
    throw new OperationError(
      'dead_letter.unknown',
      'usage',
      `${text} is no place of ${topic}, which has ${partitions} partitions`,
    )
  return place
}

const listText = (letters: readonly KnownLetter[]): string =>
  table(
    ['AT', 'TIME', 'REASON', 'ORIGIN', 'KEY', 'MESSAGE', 'VALUE', 'REPLAYED'],
    letters.map(({ letter, note }) => [
      placeText(letter),
      timeText(letter.timestampMs),
      letter.reason,
      originText(letter),
      bytesAsText(letter.key, KEY_CHARACTERS_MAX),
      letter.message.length > CELL_CHARACTERS_MAX ? `${letter.message.slice(0, CELL_CHARACTERS_MAX)}…` : letter.message,
      bytesAsText(letter.value, CELL_CHARACTERS_MAX),
      note?.at ?? null,
    ]),
  )

function letterText(letter: DeadLetterRecord, note: ReplayNote | null): string {
  const bytes = (value: Buffer | null): string => {
    const shown = bytesAsJson(value)
    return shown === null ? '(null)' : 'text' in shown ? printable(shown.text) : `0x${shown.hex}`
  }
  const lines: (readonly [string, string])[] = [
    ['reason', letter.reason],
    ['message', letter.message],
    ['origin', originText(letter) ?? '(not told)'],
    ['time', timeText(letter.timestampMs) ?? String(letter.timestampMs)],
    ['replayed', note ? `${note.at} to ${note.to} by ${note.by}` : 'no'],
    ...(letter.replayedFrom === null ? [] : [['replayed from', letter.replayedFrom] as const]),
    ...(letter.truncatedBytes === null ? [] : [['cut', `it had ${letter.truncatedBytes} bytes`] as const]),
    ['key', bytes(letter.key)],
    ...letter.headers.map(({ name, value }) => [`header ${name}`, bytes(value)] as const),
    ['value', bytes(letter.value)],
  ]
  const width = Math.max(...lines.map(([name]) => name.length))
  return lines.map(([name, text]) => `${printable(name).padEnd(width)}  ${printable(text)}\n`).join('')
}

function replayText({ items, complete }: ReplayReport, execute: boolean): string {
  const parts: string[] = []
  if (items.length > 0)
    parts.push(
      table(
        ['AT', 'REASON', 'OUTCOME', 'TO', 'WHEN', 'WHY'],
        items.map(({ place, reason, outcome, to, at, why }) => [place, reason, outcome, to, at, why]),
      ),
    )
  const count = (wanted: string): number => items.filter(({ outcome }) => outcome === wanted).length
  if (!complete) parts.push('more wait: run it again\n')
  if (execute) parts.push(`${count('replayed')} replayed\n`)
  else if (count('waits') > 0) parts.push('nothing was written: add --execute\n')
  else parts.push('nothing to do\n')
  return parts.join('\n')
}
