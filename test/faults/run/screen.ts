/** What is said while faults are played: one moving line on a terminal, plain lines elsewhere. Owns its timer. */
const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'
const FRAME_MS = 120

export interface Screen {
  /** What happens now. */
  now(what: string): void
  /** One fault more is done. */
  done(line: string): void
  say(line: string): void
  end(): void
}

export function openScreen(out: NodeJS.WriteStream, total: number): Screen {
  let finished = 0
  let what = ''
  let frame = 0
  let beganMs = performance.now()
  const live = out.isTTY === true
  const percent = (): string => `${String(Math.floor((100 * finished) / Math.max(1, total))).padStart(3)} %`
  const clear = (): void => void (live && out.write('\r\x1b[2K'))
  const draw = (): void => {
    if (!live || what === '') return
    const seconds = Math.floor((performance.now() - beganMs) / 1_000)
    const line = `${FRAMES[frame++ % FRAMES.length]} ${percent()} ${what} (${seconds} s)`
    out.write(`\r\x1b[2K${line.slice(0, (out.columns ?? 80) - 1)}`)
  }
  const timer = live ? setInterval(draw, FRAME_MS) : null
  const print = (line: string): void => {
    clear()
    out.write(`${line}\n`)
    draw()
  }
  return {
    now(next) {
      what = next
      beganMs = performance.now()
      draw()
    },
    done(line) {
      finished++
      print(`${percent()} ${line}`)
    },
    say: (line) => print(`      ${line}`),
    end() {
      if (timer) clearInterval(timer)
      clear()
      what = ''
    },
  }
}
