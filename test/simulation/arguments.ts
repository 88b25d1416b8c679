/** What the simulation is asked to do. Throws an error with the usage for anything else. */
import { parseArgs } from 'node:util'

export interface Arguments {
  readonly seconds: number
  readonly seed: number
  readonly replay: string | null
  /** Print what happens in a replay. */
  readonly log: boolean
  readonly bugs: boolean
  /** One seeded bug, by name: what --bugs runs in processes of their own. */
  readonly bug: string | null
}

const USAGE = 'npm run test:sim -- [--seconds N] [--seed S] [--replay <seed or file> [--log]] [--bugs]'

export function readArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: '1' },
      replay: { type: 'string' },
      log: { type: 'boolean', default: false },
      bugs: { type: 'boolean', default: false },
      bug: { type: 'string' },
    },
  })
  const number = (text: string): number => {
    const value = Number(text)
    if (!Number.isFinite(value) || value < 0) throw new Error(`${text} is no number; ${USAGE}`)
    return value
  }
  return {
    seconds: number(values.seconds),
    seed: number(values.seed),
    replay: values.replay ?? null,
    log: values.log,
    bugs: values.bugs,
    bug: values.bug ?? null,
  }
}
