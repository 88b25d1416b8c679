/** `tributary top`: what goes on, again and again. Redraws a terminal; elsewhere prints a line each time. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Look, loadOf } from '../../operations/core/load.ts'
import { look } from '../../operations/load.ts'
import { withContext } from '../context.ts'
import { loadJson, loadLine, loadScreen } from '../core/top.ts'
import { EXIT } from '../errors.ts'
import { type Register, wholeNumber, withJson } from './command.ts'

const INTERVAL_SECONDS_DEFAULT = 2
const URLS_MAX = 64
/** Another screen, so that the old one is back at the end; and no cursor. */
const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'
const HOME = '\u001b[H'
const CLEAR_LINE = '\u001b[K'
const CLEAR_BELOW = '\u001b[J'

export const topCommand: Register = (parent, io, run) => {
  withJson(parent.command('top'))
    .description('live view: rates, lag, state, owner and last batch per task, duration of transactions')
    .summary('what goes on, live')
    .option('--once', 'one look, then end')
    .option('--interval <seconds>', 'between two looks', wholeNumber(1, 3_600), INTERVAL_SECONDS_DEFAULT)
    .option(
      '--instance <url...>',
      'bases of the instances whose /metrics are asked; default: the one of REST_HOST and REST_PORT',
    )
    .addHelpText(
      'after',
      '\nOffsets and lag are from Kafka, owners and batches from Redis; states and durations from instances that answer.\n--json prints one object a line.',
    )
    .action((options: { json?: true; once?: true; interval: number; instance?: string[] }) =>
      run(() =>
        withContext(io, async (context, { instanceUrl }) => {
          const urls = (options.instance ?? [instanceUrl]).slice(0, URLS_MAX)
          const signal = options.once ? undefined : io.interrupted?.()
          const terminal = options.json || options.once ? null : (io.terminal?.() ?? null)
          let before: Look | null = null
          if (terminal) io.out(ENTER)
          try {
            while (!signal?.aborted) {
              const now = await look(context, urls)
              const load = loadOf(context.plan.application, before, now)
              if (options.json) io.out(`${JSON.stringify(loadJson(load))}\n`)
              else if (terminal) {
                const { columns, rows } = io.terminal?.() ?? terminal
                const lines = loadScreen(context.plan.application, load, columns)
                  .split('\n')
                  .slice(0, rows - 1)
                io.out(`${HOME}${lines.map((line) => line + CLEAR_LINE).join('\n')}${CLEAR_BELOW}`)
              } else io.out(options.once ? loadScreen(context.plan.application, load) : loadLine(load))
              if (options.once) break
              before = now
              await sleep(options.interval * 1_000, undefined, signal ? { signal } : {}).catch(() => {})
            }
          } finally {
            if (terminal) io.out(LEAVE)
          }
          return EXIT.ok
        }),
      ),
    )
}
