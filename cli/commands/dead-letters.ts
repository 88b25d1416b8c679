/** `tributary dead-letters list`: what could not be processed, and why. */
import { type KafkaContext, withKafka } from '../context.ts'
import { type DeadLetterRecord, deadLetterJson, originText, readDeadLetter, timeText } from '../core/dead-letter.ts'
import { partitionName } from '../core/offsets.ts'
import { table } from '../core/table.ts'
import { bytesAsText } from '../core/text.ts'
import { CliError, EXIT } from '../errors.ts'
import { logRanges, newestRecords } from '../records.ts'
import { json, type Register, wholeNumber, withJson } from './command.ts'

const LIMIT_DEFAULT = 20
const LIMIT_MAX = 10_000
/** Offsets looked through per partition for letters of one reason. */
const SEARCH_OFFSETS_MAX = 1_000_000
const CELL_CHARACTERS_MAX = 60
const KEY_CHARACTERS_MAX = 24

export const deadLettersCommand: Register = (parent, io, run) => {
  const deadLetters = parent.command('dead-letters').description('records that could not be processed')
  withJson(deadLetters.command('list'))
    .description('the newest dead letters, newest last')
    .option('--reason <code>', 'of this reason alone, as value.not_json')
    .option('--limit <count>', 'how many', wholeNumber(1, LIMIT_MAX), LIMIT_DEFAULT)
    .action((options: { json?: true; reason?: string; limit: number }) =>
      run(() =>
        withKafka(io, async (context) => {
          const { letters, complete } = await newestLetters(context, options.limit, options.reason)
          const { topic } = context.plan.deadLetters
          if (options.json)
            io.out(json({ topic, complete, deadLetters: letters.map((letter) => deadLetterJson(topic, letter)) }))
          else if (letters.length > 0) io.out(text(letters))
          else io.err('no dead letters\n')
          if (!complete)
            io.err(`looked at the last ${SEARCH_OFFSETS_MAX} offsets of each partition: there may be older ones\n`)
          return EXIT.ok
        }),
      ),
    )
}

async function newestLetters(
  { plan, kafka }: KafkaContext,
  count: number,
  reason: string | undefined,
): Promise<{ letters: readonly DeadLetterRecord[]; complete: boolean }> {
  const { topic, partitions } = plan.deadLetters
  if (partitions === 0) throw new CliError('deployment.missing', EXIT.usage, `topic ${topic} does not exist`)
  const all = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
  const logs = await logRanges(kafka, all)
  const fetch = kafka.fetchClient()
  let letters: DeadLetterRecord[] = []
  let complete = true
  try {
    for (const at of all) {
      const options = { count, open: 'stop', offsetsMax: SEARCH_OFFSETS_MAX } as const
      const log = logs.get(partitionName(topic, at.partition))!
      const found = await newestRecords(fetch, at, log, options, (view) => {
        const letter = readDeadLetter(at.partition, view)
        return reason === undefined || letter.reason === reason ? letter : null
      })
      complete &&= found.complete
      // Across partitions only time tells what is newer; within one, a stable sort keeps their order where times are equal.
      letters = [...letters, ...found.items].sort((a, b) => a.timestampMs - b.timestampMs).slice(-count)
    }
  } finally {
    await fetch.close()
  }
  return { letters, complete }
}

const text = (letters: readonly DeadLetterRecord[]): string =>
  table(
    ['TIME', 'REASON', 'ORIGIN', 'KEY', 'MESSAGE', 'VALUE'],
    letters.map((letter) => [
      timeText(letter.timestampMs),
      letter.reason,
      originText(letter),
      bytesAsText(letter.key, KEY_CHARACTERS_MAX),
      letter.message.length > CELL_CHARACTERS_MAX ? `${letter.message.slice(0, CELL_CHARACTERS_MAX)}…` : letter.message,
      bytesAsText(letter.value, CELL_CHARACTERS_MAX),
    ]),
  )
