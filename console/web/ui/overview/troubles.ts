/** What is wrong, or soon will be, out of an overview: worst first, like things together. Pure. */
import type { InstanceRow, Overview, TaskRow } from '../../../contract.ts'
import { LIVING_MS } from '../instances.ts'

export type Trouble =
  | {
      readonly kind: 'stopped'
      readonly code: string
      /** Of the first of them. */
      readonly reason: string
      readonly remedy: string | null
      readonly tasks: readonly number[]
    }
  | { readonly kind: 'unheard'; readonly instance: InstanceRow }
  | { readonly kind: 'untold'; readonly tasks: readonly number[] }
  | { readonly kind: 'waiting'; readonly reason: string; readonly tasks: readonly number[] }
  | { readonly kind: 'not-ready'; readonly instance: Pick<InstanceRow, 'name' | 'reasons'> }
  | { readonly kind: 'paused'; readonly by: string; readonly since: string; readonly tasks: readonly number[] }
  | { readonly kind: 'restoring'; readonly done: number; readonly total: number; readonly tasks: readonly number[] }

export function troublesOf({ tasks, instances }: Pick<Overview, 'tasks' | 'instances'>): readonly Trouble[] {
  return [
    ...stoppedOf(tasks),
    ...instances
      .filter(({ heardAgoMs }) => heardAgoMs > LIVING_MS)
      .map((instance): Trouble => ({ kind: 'unheard', instance })),
    ...untoldOf(tasks),
    ...waitingOf(tasks),
    ...instances
      .filter((instance) => instance.heardAgoMs <= LIVING_MS && !instance.ready && !isToldByTasks(instance, tasks))
      .map((instance): Trouble => ({ kind: 'not-ready', instance })),
    ...pausedOf(tasks),
    ...restoringOf(tasks),
  ]
}

/** `offset.out_of_range: the log begins…` → its code and the rest. */
export function splitReason(reason: string | null): { readonly code: string; readonly text: string } {
  const match = /^([a-z_]+(?:\.[a-z_]+)+)(?::\s*([\s\S]*))?$/.exec(reason ?? '')
  return match ? { code: match[1]!, text: match[2] ?? '' } : { code: 'stopped', text: reason ?? '' }
}

function stoppedOf(tasks: readonly TaskRow[]): readonly Trouble[] {
  const stopped = tasks.filter(({ state }) => state === 'stopped')
  return [...Map.groupBy(stopped, ({ reason }) => splitReason(reason).code)].map(([code, rows]) => ({
    kind: 'stopped',
    code,
    reason: splitReason(rows[0]!.reason).text,
    remedy: rows[0]!.remedy,
    tasks: numbersOf(rows),
  }))
}

function untoldOf(tasks: readonly TaskRow[]): readonly Trouble[] {
  const untold = tasks.filter(({ state }) => state === 'unknown' || state === 'lost')
  return untold.length === 0 ? [] : [{ kind: 'untold', tasks: numbersOf(untold) }]
}

function waitingOf(tasks: readonly TaskRow[]): readonly Trouble[] {
  const waiting = tasks.filter(({ state }) => state === 'waiting')
  return [...Map.groupBy(waiting, ({ reason }) => reason ?? '')].map(([reason, rows]) => ({
    kind: 'waiting',
    reason,
    tasks: numbersOf(rows),
  }))
}

/** By whom; since the first of theirs. */
function pausedOf(tasks: readonly TaskRow[]): readonly Trouble[] {
  const paused = tasks.filter((row) => row.paused !== null)
  return [...Map.groupBy(paused, (row) => row.paused!.by)].map(([by, rows]) => ({
    kind: 'paused',
    by,
    since: rows.map((row) => row.paused!.since).sort()[0]!,
    tasks: numbersOf(rows),
  }))
}

function restoringOf(tasks: readonly TaskRow[]): readonly Trouble[] {
  const restoring = tasks.filter(({ state, restore }) => state === 'restoring' || restore !== null)
  if (restoring.length === 0) return []
  const sum = (of: (restore: { done: number; total: number }) => number): number =>
    restoring.reduce((all, { restore }) => all + (restore ? of(restore) : 0), 0)
  return [
    { kind: 'restoring', done: sum(({ done }) => done), total: sum(({ total }) => total), tasks: numbersOf(restoring) },
  ]
}

/** An instance that is not ready because of its tasks alone is told of by them. */
function isToldByTasks({ tasks: own, reasons }: InstanceRow, tasks: readonly TaskRow[]): boolean {
  if (reasons.some((reason) => reason.startsWith('cut off '))) return false
  const mine = new Set(own)
  return tasks.some(({ task, state }) => mine.has(task) && state !== 'running')
}

const numbersOf = (rows: readonly TaskRow[]): readonly number[] => rows.map(({ task }) => task)
