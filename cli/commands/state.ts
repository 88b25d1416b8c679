/** `tributary state`: notes as they lie in Redis, what happened to them, and all of the state. */
import type { Command } from 'commander'
import { timeText } from '../../operations/core/dead-letter.ts'
import { exportState } from '../../operations/export.ts'
import { HISTORY_OFFSETS_MAX, type History, type NoteChange, noteHistory } from '../../operations/history.ts'
import { type Found, noteById, notesOfCharacter } from '../../operations/state.ts'
import { UINT32_MAX } from '../../topology/fields.ts'
import { type Context, type Io, withContext, withKafka } from '../context.ts'
import { table } from '../core/table.ts'
import { EXIT } from '../errors.ts'
import { json, type Register, type Run, tenantLike, wholeNumber, withJson } from './command.ts'
import { tasksOf } from './verify.ts'

const MESSAGE_CHARACTERS_MAX = 100
const VALUE_CHARACTERS_MAX = 120
const HISTORY_LIMIT_DEFAULT = 100
const HISTORY_LIMIT_MAX = 10_000
/** Lines of an export that are written before it waits for the reader. */
const EXPORT_LINES_PER_WRITE = 1_000

export const stateCommand: Register = (parent, io, run) => {
  const state = parent.command('state').description('notes in Redis, their history, and all of the state')
  const get = state.command('get').description('notes by character or id, as they lie in Redis')
  lookup({ get, io, run }, 'character', 'all notes of a character', notesOfCharacter)
  lookup({ get, io, run }, 'note', 'one note', noteById)
  const of = state.command('history').description('what happened to a note, or to the notes of a character')
  for (const kind of ['note', 'character'] as const) history({ of, io, run }, kind)
  exportCommand(state, io, run)
}

function lookup(
  { get, io, run }: { get: Command; io: Io; run: Run },
  name: string,
  description: string,
  find: (context: Context, id: number, tenantId: string | null) => Promise<Found>,
): void {
  withJson(get.command(name))
    .description(`${description}; exits 1 when there is none`)
    .argument('<id>', `id of the ${name}`, wholeNumber(0, UINT32_MAX))
    .option('--tenant <uuid>', 'this tenant alone; without it, all state of one task is looked through', tenantLike)
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

function history({ of, io, run }: { of: Command; io: Io; run: Run }, kind: 'note' | 'character'): void {
  withJson(of.command(kind))
    .description(
      `every change of ${kind === 'note' ? 'a note' : "a character's notes"} that the changelog still has, and its cause; exits 1 when there is none`,
    )
    .argument('<id>', `id of the ${kind}`, wholeNumber(0, UINT32_MAX))
    .option('--tenant <uuid>', 'of this tenant alone', tenantLike)
    .option('--limit <count>', 'the newest so many', wholeNumber(1, HISTORY_LIMIT_MAX), HISTORY_LIMIT_DEFAULT)
    .addHelpText(
      'after',
      `
A batch writes a note once, with its last value, and compaction removes what was overwritten: the history is what is left.
Batches marked ≤ may have been earlier ones. The command is shown while its topic has it.`,
    )
    .action((id: number, options: { json?: true; tenant?: string; limit: number }) =>
      run(() =>
        withKafka(io, async (context) => {
          const found = await noteHistory(context, { kind, id, tenantId: options.tenant ?? null, limit: options.limit })
          if (options.json) io.out(json({ ...found, changes: found.changes.map(changeJson) }))
          else if (found.changes.length > 0) io.out(historyText(found))
          else io.err(`the changelog has nothing of it${found.task === null ? ': the id tells no task' : ''}\n`)
          if (!found.complete)
            io.err(`there may be older changes (--limit; at most ${HISTORY_OFFSETS_MAX} offsets are read)\n`)
          return found.changes.length > 0 ? EXIT.ok : EXIT.negative
        }),
      ),
    )
}

const causeText = ({ cause }: NoteChange): string | null => cause && `${cause.topic}-${cause.partition}@${cause.offset}`

const changeJson = (change: NoteChange) => ({
  time: timeText(change.timestampMs),
  offset: change.offset,
  batch: change.batch,
  batchExact: change.batchExact,
  tenantId: change.tenantId,
  characterId: change.characterId,
  noteId: change.noteId,
  note: change.change.json === null ? null : JSON.parse(change.change.json),
  cause: causeText(change),
  command: change.command,
})

const historyText = ({ changes }: History): string =>
  table(
    ['TIME', 'BATCH', 'OFFSET', 'CHARACTER', 'NOTE', 'VALUE', 'CAUSE', 'COMMAND', 'TRACE'],
    changes.map((change) => {
      const value = change.change.json ?? '(removed)'
      return [
        timeText(change.timestampMs),
        change.batch === null ? null : `${change.batchExact ? '' : '≤ '}${change.batch}`,
        change.offset,
        change.characterId,
        change.noteId,
        value.length > VALUE_CHARACTERS_MAX ? `${value.slice(0, VALUE_CHARACTERS_MAX)}…` : value,
        causeText(change),
        change.command?.type ?? null,
        change.command?.traceparent ?? null,
      ]
    }),
  )

function exportCommand(parent: Command, io: Io, run: Run): void {
  parent
    .command('export')
    .description('all state as JSON lines: per task its checkpoint, then its entries as of that batch')
    .option('--jsonl', 'as JSON lines (the only form)')
    .option('--json', 'the same')
    .option('--task <number>', 'this task alone', wholeNumber(0, 9_999))
    .addHelpText(
      'after',
      '\nFolded from the changelog, so each task is as of the end of one batch, beside a running service.',
    )
    .action((options: { task?: number }) =>
      run(() =>
        withKafka(io, async (context) => {
          for await (const { task, checkpoint, offset, entries } of exportState(
            context,
            tasksOf(context, options.task),
          )) {
            io.out(`${JSON.stringify({ task, offset, checkpoint })}\n`)
            let lines: string[] = []
            for (const { store, key, field, json } of entries) {
              // The value is JSON already, and stays as it is.
              const head = JSON.stringify({ task, store, key, field })
              lines.push(`${head.slice(0, -1)},"value":${json}}\n`)
              if (lines.length < EXPORT_LINES_PER_WRITE) continue
              io.out(lines.join(''))
              lines = []
              await io.flushed?.()
            }
            if (lines.length > 0) io.out(lines.join(''))
          }
          return EXIT.ok
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
