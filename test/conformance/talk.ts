/**
 * What a script says to a cluster and what it is answered, as lines that can be compared. Owns the lines of one run.
 * Codes that come and go while coordinators load are asked again; CONCURRENT_TRANSACTIONS is, unless a step is about it.
 */

import { isDeepStrictEqual } from 'node:util'
import { nameOf } from '../../engine/core/kafka-errors.ts'
import { Names } from './names.ts'
import type { Stage } from './stage.ts'

export interface Line {
  readonly step: string
  readonly answer: unknown
}

type Coded = number | { readonly code: number } | readonly { readonly code: number }[]

const LOADING = [14, 15, 16]
const CONCURRENT_TRANSACTIONS = 51
const PATIENCE_MS = 15_000
const PAUSE_MS = 3

export class Talk {
  readonly stage: Stage
  readonly names = new Names()
  readonly lines: Line[] = []
  /** How often CONCURRENT_TRANSACTIONS was answered and asked again. */
  concurrent = 0

  constructor(stage: Stage) {
    this.stage = stage
  }

  get kafka() {
    return this.stage.kafka
  }

  note(step: string, answer: unknown): void {
    this.lines.push({ step, answer: plain(answer) })
  }

  /** Asks until it is no passing code any more; notes nothing. */
  async ask<T extends Coded>(work: () => Promise<T>, options: { concurrent?: boolean } = {}): Promise<T> {
    const endMs = performance.now() + PATIENCE_MS
    for (;;) {
      const answer = await this.stage.run(work())
      const codes = codesOf(answer)
      const busy = codes.includes(CONCURRENT_TRANSACTIONS) && !options.concurrent
      if (!busy && !codes.some((code) => LOADING.includes(code))) return answer
      if (busy) this.concurrent++
      if (performance.now() > endMs) throw new Error(`still ${codes.map(nameOf)} after ${PATIENCE_MS} ms`)
      await this.stage.pause(PAUSE_MS)
    }
  }

  /** Asks until the answer is right: for what happens by itself soon. `work` runs on the stage by itself. */
  async until<T>(work: () => Promise<T>, right: (answer: T) => boolean, patienceMs = PATIENCE_MS): Promise<T> {
    const endMs = performance.now() + patienceMs
    for (;;) {
      const answer = await work()
      if (right(answer)) return answer
      if (performance.now() > endMs) throw new Error(`not what was waited for after ${patienceMs} ms`)
      await this.stage.pause(PAUSE_MS)
    }
  }
}

const codesOf = (answer: Coded): readonly number[] =>
  typeof answer === 'number' ? [answer] : 'code' in answer ? [answer.code] : answer.map(({ code }) => code)

/** Codes by name, so that a difference can be read. */
export function plain(answer: unknown, key = ''): unknown {
  if (typeof answer === 'number' && (key === 'code' || key === '')) return nameOf(answer)
  if (Array.isArray(answer)) return answer.map((one) => plain(one, key === '' ? 'each' : key))
  if (answer !== null && typeof answer === 'object')
    return Object.fromEntries(Object.entries(answer).map(([name, value]) => [name, plain(value, name)]))
  return answer
}

export interface Difference {
  readonly step: string
  readonly broker: unknown
  readonly model: unknown
}

/** Where two runs of one script differ. A step that one of them did not come to is a difference. */
export function differences(broker: readonly Line[], model: readonly Line[]): Difference[] {
  const found: Difference[] = []
  for (let i = 0; i < Math.max(broker.length, model.length); i++) {
    const [a, b] = [broker[i], model[i]]
    if (a?.step === b?.step && isDeepStrictEqual(a?.answer, b?.answer)) continue
    found.push({ step: a?.step ?? b?.step ?? '', broker: a?.answer ?? 'not asked', model: b?.answer ?? 'not asked' })
    if (a?.step !== b?.step) break
  }
  return found
}

/** Both runs side by side, for a person: what differs, with what was said before. */
export function conversation(name: string, broker: readonly Line[], model: readonly Line[]): string {
  const text = (line: Line | undefined): string => (line ? JSON.stringify(line.answer) : 'not asked')
  const lines = Array.from({ length: Math.max(broker.length, model.length) }, (_, i) => {
    const [a, b] = [broker[i], model[i]]
    if (isDeepStrictEqual(a, b)) return `    ${a!.step}: ${text(a)}`
    return ` !! ${a?.step}${a?.step === b?.step ? '' : ` | ${b?.step}`}\n      broker ${text(a)}\n      model  ${text(b)}`
  })
  return `== ${name}\n${lines.join('\n')}\n`
}
