/**
 * Loaded into service processes by the proof (`--import`), and by nothing else: what a signal cannot do from outside. On
 * SIGUSR2 it reads one command from the file PROOF_COMMANDS names: hold the event loop, shift the clock, or collect
 * garbage and write down what is in use.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export interface PreloadCommand {
  readonly blockMs?: number
  readonly shiftMs?: number
  /** File for the figures. */
  readonly measure?: string
}

const file = process.env['PROOF_COMMANDS']
if (file) {
  process.on('SIGUSR2', () => {
    const { blockMs, shiftMs, measure } = JSON.parse(readFileSync(file, 'utf8')) as PreloadCommand
    if (shiftMs !== undefined) shift(shiftMs)
    if (blockMs !== undefined) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockMs)
    if (measure !== undefined) {
      setFlagsFromString('--expose-gc')
      ;(runInNewContext('gc') as () => void)()
      const { heapUsed, rss, external, arrayBuffers } = process.memoryUsage()
      writeFileSync(measure, JSON.stringify({ heapUsed, rss, external, arrayBuffers }))
    }
    process.stderr.write(`${JSON.stringify({ level: 30, msg: 'preload', blockMs, shiftMs, measure })}\n`)
  })
}

const now = Date.now
let shiftedMs = 0
function shift(ms: number): void {
  shiftedMs += ms
  Date.now = () => now() + shiftedMs
}
