/** `tributary events`: status events, committed ones only; up to now, or as they come. */
import { type Command, InvalidArgumentError } from 'commander'
import { readConfig } from '../../config.ts'
import { printable } from '../../operations/core/text.ts'
import { decodeLeniently, type EventFilter, passes, type SeenEvent, storedEvents } from '../../operations/events.ts'
import { kafkaOptions, topicNames } from '../../service-options.ts'
import { subscribe } from '../../subscribe/subscribe.ts'
import { UINT32_MAX } from '../../topology/fields.ts'
import { noteStatus } from '../../topology/notes/events.ts'
import { addresses, type Io, withKafka } from '../context.ts'
import { EXIT, type Exit } from '../errors.ts'
import { type Register, tenantLike, wholeNumber, withJson } from './command.ts'

const TYPES = ['CREATED', 'CREATE_FAILED', 'UPDATED', 'DELETED']

interface Options {
  readonly json?: true
  readonly follow?: true
  readonly from?: 'earliest' | 'latest'
  readonly tenant?: string
  readonly character?: number
  readonly type?: string
}

export const eventsCommand: Register = (parent, io, run) => {
  const events: Command = withJson(parent.command('events'))
  events
    .description('status events of notes, one a line: those there are, or with --follow those that come')
    .option('--follow', 'go on until Ctrl-C')
    .option('--from <place>', 'with --follow: earliest or latest (the default)', place)
    .option('--tenant <uuid>', 'of this tenant alone', tenantLike)
    .option('--character <id>', 'of this character alone', wholeNumber(0, UINT32_MAX))
    .option('--type <type>', `of this type alone: ${TYPES.join(', ')}`, typeLike)
    .addHelpText(
      'after',
      '\n--json prints one object a line. Committed events only; what is to be seen is not held back until Redis has it.',
    )
    .action((options: Options) => run(() => (options.follow ? follow(io, options) : stored(io, options))))
}

const filterOf = ({ tenant, character, type }: Options): EventFilter => ({
  tenant: tenant ?? null,
  character: character ?? null,
  type: type ?? null,
})

const stored = (io: Io, options: Options): Promise<Exit> =>
  withKafka(io, async (context) => {
    await storedEvents(context, filterOf(options), (event) => io.out(line(event, options.json === true)))
    return EXIT.ok
  })

async function follow(io: Io, options: Options): Promise<Exit> {
  const config = readConfig(io.env)
  const { BOOTSTRAP_SERVERS } = addresses(io, config, ['BOOTSTRAP_SERVERS'])
  const signal = io.interrupted?.()
  const filter = filterOf(options)
  const to = { kafka: kafkaOptions({ ...config, BOOTSTRAP_SERVERS }), topicNames: topicNames(config) }
  const events = subscribe<unknown>(to, noteStatus, {
    from: options.from ?? 'latest',
    decode: decodeLeniently,
    onGap: ({ reason, topic, partition, from, to }) =>
      io.err(`${topic}-${partition}: offsets ${from} to ${to - 1} are missing (${reason})\n`),
    ...(options.tenant === undefined ? {} : { tenant: options.tenant }),
    ...(signal === undefined ? {} : { signal }),
  })
  for await (const event of events) {
    if (!passes(filter, event)) continue
    io.out(line(event, options.json === true))
    await io.flushed?.()
  }
  return EXIT.ok
}

function line({ position, timestampMs, tenant, value }: SeenEvent, asJson: boolean): string {
  const time = new Date(timestampMs).toISOString()
  if (asJson) return `${JSON.stringify({ position, time, tenant, event: value })}\n`
  const { type, characterId, body } = (value ?? {}) as { type?: unknown; characterId?: unknown; body?: unknown }
  return `${printable(`${time} ${position} ${tenant ?? '-'} ${type ?? '-'} character ${characterId ?? '-'} ${JSON.stringify(body ?? value)}`)}\n`
}

function place(text: string): 'earliest' | 'latest' {
  if (text === 'earliest' || text === 'latest') return text
  throw new InvalidArgumentError('Give earliest or latest.')
}

function typeLike(text: string): string {
  if (TYPES.includes(text)) return text
  throw new InvalidArgumentError(`Give one of ${TYPES.join(', ')}.`)
}
