/** `tributary doctor`: is everything there that the service needs, and what to do where it is not. */
import { freemem } from 'node:os'
import type { Finding } from '../../operations/core/doctor.ts'
import { printable } from '../../operations/core/text.ts'
import { examine } from '../../operations/doctor.ts'
import { preparationOf } from '../../service-options.ts'
import { withServers } from '../context.ts'
import { EXIT } from '../errors.ts'
import { json, type Register, withJson } from './command.ts'

export const doctorCommand: Register = (parent, io, run) => {
  withJson(parent.command('doctor'))
    .description('check broker, topics, rights, group, Redis, clocks and this machine; changes nothing')
    .summary('is everything there that the service needs?')
    .addHelpText('after', '\nExits 1 when something fails; warnings do not count.')
    .action((options: { json?: true }) =>
      run(() =>
        withServers(io, async ({ config }, context) => {
          const findings: Finding[] = []
          const process = { nodeVersion: globalThis.process.version, freeBytes: freemem() }
          for await (const finding of examine({ ...context, options: preparationOf(config), process })) {
            findings.push(finding)
            if (!options.json) io.out(line(finding))
          }
          const healthy = findings.every(({ state }) => state !== 'fail')
          if (options.json) io.out(json({ healthy, findings }))
          return healthy ? EXIT.ok : EXIT.negative
        }),
      ),
    )
}

const STATES = { ok: 'ok  ', warn: 'warn', fail: 'FAIL', skipped: 'skip' } as const
const CHECK_COLUMNS = 24

const line = ({ check, state, detail, remedy }: Finding): string =>
  `${STATES[state]}  ${check.padEnd(CHECK_COLUMNS)}  ${printable(detail)}\n${remedy === null ? '' : `      → ${printable(remedy)}\n`}`
