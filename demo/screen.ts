/**
 * What people see of the demo: in a terminal two bars with lines scrolling above them, elsewhere plain lines. Owns the
 * terminal while it is open; colours only where they are wanted (NO_COLOR).
 */
import { styleText } from 'node:util'
import cliProgress, { type Bar, type MultiBar } from 'cli-progress'

export interface Screen {
  /** A line that matters. */
  say(line: string): void
  /** Something that happens all the time; a plain screen leaves it out. */
  scroll(kind: string, line: string): void
  /** Opens the counters. */
  begin(totals: { readonly notes: number; readonly events: number }): void
  count(counts: {
    readonly notes: number
    readonly commands: number
    readonly events: number
    readonly state: string
  }): void
  /** Ends the counters; lines may follow. */
  end(): void
  readonly paint: (style: Style, text: string) => string
}

export type Style = Parameters<typeof styleText>[0]

/** Lines that scroll by are at least so far apart: people read them. */
const SCROLL_MS = 90
const PLAIN_EVERY_MS = 1_000

export function openScreen(stream: NodeJS.WriteStream): Screen {
  const paint = (style: Style, text: string): string => styleText(style, text, { stream })
  return stream.isTTY ? new BarScreen(stream, paint) : new PlainScreen(stream, paint)
}

class PlainScreen implements Screen {
  readonly paint: Screen['paint']
  readonly #stream: NodeJS.WritableStream
  #totals = { notes: 0, events: 0 }
  #shownAtMs = performance.now()
  readonly #startedAtMs = performance.now()

  constructor(stream: NodeJS.WritableStream, paint: Screen['paint']) {
    this.#stream = stream
    this.paint = paint
  }

  say(line: string): void {
    this.#stream.write(`${line}\n`)
  }

  scroll(): void {}

  begin(totals: { notes: number; events: number }): void {
    this.#totals = totals
  }

  count({ notes, commands, events, state }: Parameters<Screen['count']>[0]): void {
    const nowMs = performance.now()
    if (nowMs - this.#shownAtMs < PLAIN_EVERY_MS) return
    this.#shownAtMs = nowMs
    const seconds = ((nowMs - this.#startedAtMs) / 1_000).toFixed(0).padStart(3)
    this.say(
      `${seconds} s  notes ${notes}/${this.#totals.notes}  commands ${commands}  events ${events}/${this.#totals.events}  service ${state}`,
    )
  }

  end(): void {}
}

class BarScreen implements Screen {
  readonly paint: Screen['paint']
  readonly #stream: NodeJS.WriteStream
  #bars: { multi: MultiBar; notes: Bar; events: Bar } | null = null
  #scrolledAtMs = 0
  #scrolledKind = ''

  constructor(stream: NodeJS.WriteStream, paint: Screen['paint']) {
    this.#stream = stream
    this.paint = paint
  }

  say(line: string): void {
    if (this.#bars) this.#bars.multi.log(`${line}\n`)
    else this.#stream.write(`${line}\n`)
  }

  scroll(kind: string, line: string): void {
    const nowMs = performance.now()
    // Of what happens all the time only every third is worth the place of something else.
    const pauseMs = kind === this.#scrolledKind ? 3 * SCROLL_MS : SCROLL_MS
    if (nowMs - this.#scrolledAtMs < pauseMs) return
    this.#scrolledAtMs = nowMs
    this.#scrolledKind = kind
    this.say(line)
  }

  begin({ notes, events }: { notes: number; events: number }): void {
    const multi = new cliProgress.MultiBar(
      {
        format: '{name} {bar} {value}/{total}  {more}',
        hideCursor: true,
        gracefulExit: false,
        emptyOnZero: true,
        fps: 15,
        barsize: 32,
        stream: this.#stream,
      },
      cliProgress.Presets.shades_classic,
    )
    this.#bars = {
      multi,
      notes: multi.create(notes, 0, { name: 'notes written', more: '' }),
      events: multi.create(events, 0, { name: 'events seen  ', more: '' }),
    }
  }

  count({ notes, commands, events, state }: Parameters<Screen['count']>[0]): void {
    this.#bars?.notes.update(notes, { more: `${commands} commands` })
    this.#bars?.events.update(events, { more: `service ${state}` })
  }

  end(): void {
    this.#bars?.multi.stop()
    this.#bars = null
  }
}
