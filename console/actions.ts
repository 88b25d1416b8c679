/** What operators may do, over HTTP: an order is read strictly, carried out by operations, and recorded with who gave it. */
import { failure } from '../api/rest/errors.ts'
import { type LetterPlace, parsePlace } from '../operations/core/dead-letter.ts'
import { pauseTasks, resumeTasks } from '../operations/pause.ts'
import { type ReplayReport, type ReplayRequest, replay } from '../operations/replay.ts'
import type { JsonObject } from '../topology/json.ts'
import type { ConsoleBackend } from './backend.ts'
import type { TasksResult } from './contract.ts'
import { NAME_CHARACTERS_MAX, PLACES_MAX, REPLAY_DEFAULT, REPLAY_MAX } from './limits.ts'
import { REASON } from './query.ts'

/** Throws ApiFailure, OperationError. `signal` ends it between two transactions. */
export async function replayLetters(
  backend: ConsoleBackend,
  order: JsonObject,
  from: string,
  signal: AbortSignal,
): Promise<ReplayReport> {
  checkFields(order, ['places', 'reason', 'limit', 'execute', 'by'])
  const { execute, reason, limit } = order
  if (typeof execute !== 'boolean') throw wrong('execute', 'true or false')
  if (reason !== undefined && (typeof reason !== 'string' || !REASON.test(reason)))
    throw wrong('reason', 'a reason as the list has it')
  const by = byOf(order)
  const places = placesOf(backend, order['places'])
  const request: ReplayRequest = {
    places,
    reason: reason ?? null,
    limit: limit === undefined ? REPLAY_DEFAULT : numberOf(limit, 'limit', 1, REPLAY_MAX),
    execute,
    by,
    signal,
  }
  if (!execute) return replay(backend.context, request)
  const action = { action: 'dead-letters.replay', by, from, reason: request.reason, places: places.length }
  const report = await recorded(backend, action, () => replay(backend.context, request))
  const count = report.items.filter(({ outcome }) => outcome === 'replayed').length
  const what = `${count} dead letters replayed by ${by}`
  backend.audit({ ...action, replayed: count, outcome: signal.aborted ? 'abandoned' : 'done' }, what)
  backend.notice('warn', 'dead-letters.replayed', what)
  return report
}

/** Throws ApiFailure, StoreLost. */
export async function orderTasks(
  backend: ConsoleBackend,
  action: 'pause' | 'resume',
  order: JsonObject,
  from: string,
): Promise<TasksResult> {
  checkFields(order, ['tasks', 'by'])
  const { context } = backend
  const by = byOf(order)
  const tasks = tasksOf(order['tasks'], context.plan.tasks)
  const fields = { action: `tasks.${action}`, by, from, tasks }
  const done = await recorded(backend, fields, () =>
    action === 'pause' ? pauseTasks(context.admin, tasks, by) : resumeTasks(context.admin, tasks),
  )
  const changed = done.filter((one) => one.changed).map(({ task }) => task)
  backend.audit({ ...fields, changed, outcome: 'done' }, `${changed.length} tasks: ${action}, by ${by}`)
  return { tasks: done }
}

/** What fails may have been done in part, so it is recorded as well. Throws what `work` throws. */
async function recorded<T>(
  backend: ConsoleBackend,
  fields: Readonly<Record<string, unknown>> & { readonly action: string; readonly by: string },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const outcome = `failed: ${error instanceof Error ? error.message : String(error)}`
    backend.audit({ ...fields, outcome }, `${fields.action} by ${fields.by} ${outcome}`)
    throw error
  }
}

function tasksOf(value: unknown, count: number): readonly number[] {
  if (value === 'all') return Array.from({ length: count }, (_, task) => task)
  if (!Array.isArray(value) || value.length === 0 || value.length > count)
    throw wrong('tasks', `"all", or a list of 1 to ${count} numbers`)
  return [...new Set(value.map((task) => numberOf(task, 'tasks', 0, count - 1)))]
}

function placesOf({ context }: ConsoleBackend, value: unknown): readonly LetterPlace[] {
  if (value === undefined) return []
  const { topic, partitions } = context.plan.deadLetters
  if (!Array.isArray(value) || value.length > PLACES_MAX)
    throw wrong('places', `a list of at most ${PLACES_MAX} places`)
  return value.map((text) => {
    const place = typeof text === 'string' ? parsePlace(text, topic) : null
    if (!place || place.partition >= partitions) throw wrong('places', 'partition@offset, as the list has it')
    return place
  })
}

/** For the record; whoever has the token may give any name. */
function byOf({ by }: JsonObject): string {
  if (by === undefined || by === '') return 'console'
  if (typeof by !== 'string' || by.length > NAME_CHARACTERS_MAX || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(by))
    throw wrong('by', `a name of at most ${NAME_CHARACTERS_MAX} printable characters`)
  return by
}

function numberOf(value: unknown, field: string, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) throw wrong(field, `whole numbers from ${min} to ${max}`)
  if (value < min || value > max)
    throw failure('value.out_of_range', `${field} takes whole numbers from ${min} to ${max}`, { pointer: `/${field}` })
  return value
}

function checkFields(order: JsonObject, known: readonly string[]): void {
  const unknown = Object.keys(order).find((name) => !known.includes(name))
  // An order with a field that is not understood is not half carried out.
  if (unknown !== undefined)
    throw failure('value.wrong_type', `there is no field ${JSON.stringify(unknown.slice(0, 50))}`, { pointer: '' })
}

const wrong = (field: string, wanted: string) =>
  failure('value.wrong_type', `${field} takes ${wanted}`, { pointer: `/${field}` })
