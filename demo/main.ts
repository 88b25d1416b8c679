/**
 * `npm run demo`: a day of players' notes through the note service, which is killed in the middle of it, and the count at
 * the end. Exits 0 only when every event came exactly once and the state is right; 1 otherwise, 2 for usage, 130 by Ctrl-C.
 */
import { constants } from 'node:os'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { type Context, withContext } from '../cli/context.ts'
import { ConfigError } from '../config.ts'
import { StackError } from '../embedded/errors.ts'
import { onNpmGone } from '../embedded/npm-parent.ts'
import type { RecordView } from '../engine/core/headers.ts'
import type { TopicPartition } from '../engine/ports.ts'
import { planDay } from './day.ts'
import { deadLetterEvent, type SeenEvent, sagaEvent, statusEvent } from './events.ts'
import { Game } from './game.ts'
import { lineOf, showVerdict } from './lines.ts'
import { Listener } from './listener.ts'
import { Play } from './play.ts'
import { Post } from './post.ts'
import { openScreen } from './screen.ts'
import { ServiceProcess } from './service-process.ts'
import { prepareSetting, type Setting } from './setting.ts'
import { judge, settle } from './verdict.ts'

interface Options {
  readonly seed: number
  readonly notes: number
  readonly kills: number
}

const SEED_MAX = 0xffff_ffff
const NOTES_MIN = 20
const NOTES_MAX = 200_000
const KILLS_MAX = 10

const screen = openScreen(process.stdout)
const cleanups: (() => Promise<void>)[] = []
let stopping = false

/** Last opened, first closed. */
async function cleanUp(): Promise<void> {
  for (let close = cleanups.pop(); close; close = cleanups.pop()) await close().catch(() => {})
}

/** A second signal ends at once; the guards then end every child. */
function stop(code: number): void {
  if (stopping) process.exit(code)
  stopping = true
  screen.end()
  screen.say('stopping')
  void cleanUp().then(() => process.exit(code))
}

function optionsOf(argv: readonly string[]): Options {
  const number = (min: number, max: number) => (text: string) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= min && value <= max) return value
    throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`)
  }
  return new Command('demo')
    .description('A day of players’ notes; the service is killed in the middle, and in the end the count is right.')
    .option('--seed <number>', 'another day', number(0, SEED_MAX), 7)
    .option('--notes <count>', 'notes to write', number(NOTES_MIN, NOTES_MAX), 3_000)
    .option('--kills <count>', 'how often the service is killed', number(0, KILLS_MAX), 1)
    .addHelpText(
      'after',
      `
Starts Kafka and Redis unless BOOTSTRAP_SERVERS and REDIS_URL say where some are.
Exit codes: 0 the count is right, 1 it is not or something failed, 2 usage or configuration.`,
    )
    .exitOverride()
    .parse([...argv], { from: 'user' })
    .opts<Options>()
}

async function demo({ seed, notes, kills }: Options): Promise<boolean> {
  const day = planDay(seed, notes)
  screen.say(`A day of ${day.notes.length} notes among ${day.characters.length} characters (seed ${day.seed})`)
  const setting = await prepareSetting(process.env, (line) => screen.say(line))
  const { stack, config, env } = setting
  if (stack) cleanups.push(() => stack.stop())
  const first = await ServiceProcess.start(env)
  cleanups.push(() => first.kill())
  screen.say(`  the service runs (process ${first.pid})`)
  const quiet = { env, out: () => {}, err: () => {}, runningStack: () => null }
  return withContext(quiet, async (context) => {
    const outputs = outputsOf(context)
    const post = new Post({
      publisher: context.kafka.publisher(),
      commandTopic: config.COMMAND_TOPIC_NOTE,
      statusTopic: config.EVENT_TOPIC_CHARACTER_STATUS,
      partitions: config.TOPIC_PARTITIONS,
    })
    const game = new Game(day, post)
    const names = new Map(day.characters.map(({ tenantId, id, name }) => [`${tenantId}:${id}`, name]))
    const listener = new Listener(context.kafka, outputs, (from, view) => {
      const event = eventOf(setting, from, view)
      game.hear(event)
      screen.scroll(event.kind, lineOf(event, names, screen))
    })
    const failures = [listener.failure, ...(stack ? [stack.ended.then((line) => Promise.reject(new Error(line)))] : [])]
    const play = new Play({ day, game, screen, first, serviceEnv: env, kills, failures })
    cleanups.push(() => play.close())
    screen.begin({ notes: day.notes.length, events: day.events })
    try {
      await play.run()
      await settle(context, listener, outputs)
    } finally {
      screen.end()
      await listener.close()
    }
    const verdict = await judge(context, game, post.commands)
    await play.stop()
    showVerdict(screen, post.commands.length, verdict)
    if (!stack) screen.say(`left behind: topics ${config.APPLICATION_ID}*, keys {${config.APPLICATION_ID}:*`)
    return verdict.right
  })
}

function outputsOf({ plan }: Context): readonly TopicPartition[] {
  return [...plan.sinks.values(), plan.deadLetters].flatMap(({ topic, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
  )
}

function eventOf({ config }: Setting, from: TopicPartition, view: RecordView): SeenEvent {
  if (from.topic === config.EVENT_TOPIC_NOTE_STATUS) return statusEvent(view)
  if (from.topic === config.COMMAND_TOPIC_SAGA) return sagaEvent(view)
  return deadLetterEvent(from.partition, view)
}

function failed(error: unknown): number {
  screen.end()
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof ConfigError) {
    for (const line of error.lines) screen.say(`${error.code}: ${line}`)
    return 2
  }
  if (error instanceof StackError) screen.say(`${error.code}: ${error.message}`)
  else screen.say(`the demo failed: ${error instanceof Error ? error.message : String(error)}`)
  return 1
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => stop(128 + constants.signals[signal]))
onNpmGone(() => stop(1))

let code: number
try {
  code = (await demo(optionsOf(process.argv.slice(2)))) ? 0 : 1
} catch (error) {
  // Everything fails once it is being stopped, and is not worth a line.
  code = stopping ? 1 : failed(error)
}
if (!stopping) {
  await cleanUp()
  process.exit(code)
}
