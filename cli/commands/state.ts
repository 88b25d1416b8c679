/** `tributary state get`: notes as they lie in Redis. */
import { type Command, InvalidArgumentError } from 'commander'
import { isUuid } from '../../topology/fields.ts'
import { type Context, type Io, withContext } from '../context.ts'
import { table } from '../core/table.ts'
import { EXIT } from '../errors.ts'
import { type Found, noteById, notesOfCharacter } from '../state.ts'
import { json, type Register, type Run, wholeNumber, withJson } from './command.ts'

const ID_MAX = 0xffff_ffff
const MESSAGE_CHARACTERS_MAX = 100

export const stateCommand: Register = (parent, io, run) => {
  const get = parent
    .command('state')
    .description('state as it lies in Redis')
    .command('get')
    .description('notes by character or id')
  const common = { get, io, run }
  lookup(common, 'character', 'all notes of a character', notesOfCharacter)
  lookup(common, 'note', 'one note', noteById)
}

function lookup(
  { get, io, run }: { get: Command; io: Io; run: Run },
  name: string,
  description: string,
  find: (context: Context, id: number, tenantId: string | null) => Promise<Found>,
): void {
  withJson(get.command(name))
    .description(`${description}; exits 1 when there is none`)
    .argument('<id>', `id of the ${name}`, wholeNumber(0, ID_MAX))
    .option('--tenant <uuid>', 'this tenant alone; without it, all state of one task is looked through', tenant)
    .action((id: number, options: { json?: true; tenant?: string }) =>
      run(() =>
        withContext(io, async (context) => {
          const found = await find(context, id, options.tenant ?? null)
          if (options.tenant === undefined && found.task !== null)
            io.err(`no --tenant: looked through all notes of task ${found.task}\n`)
          if (options.json) io.out(json({ task: found.task, notes: found.notes }))
          else if (found.notes.length > 0) io.out(text(found))
          else
            io.err(
              `no such ${name === 'note' ? 'note' : 'notes'}${found.task === null ? ': the id tells no task' : ''}\n`,
            )
          return found.notes.length > 0 ? EXIT.ok : EXIT.negative
        }),
      ),
    )
}

const text = ({ notes }: Found): string =>
  table(
    ['TENANT', 'CHARACTER', 'NOTE', 'SENDER', 'FLAG', 'TIME', 'MESSAGE'],
    notes.map(({ tenantId, characterId, noteId, note }) => [
      tenantId,
      characterId,
      noteId,
      note.senderId,
      note.flag,
      note.time,
      note.message.length > MESSAGE_CHARACTERS_MAX ? `${note.message.slice(0, MESSAGE_CHARACTERS_MAX)}…` : note.message,
    ]),
  )

function tenant(value: string): string {
  if (!isUuid(value)) throw new InvalidArgumentError('Give a UUID of 36 characters.')
  return value.toLowerCase()
}
