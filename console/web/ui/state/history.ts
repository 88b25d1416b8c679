/** What each change of a note changed, from what came before it. Pure. */
import type { ChangeView } from '../../../contract.ts'

export interface FieldChange {
  readonly field: string
  /** Null: the note, or the field, was not there. */
  readonly before: string | null
  readonly after: string | null
}

export interface Step {
  readonly change: ChangeView
  /** `earlier`: what was before is not in the changelog any more, or was not looked at. */
  readonly kind: 'created' | 'changed' | 'removed' | 'unchanged' | 'earlier'
  readonly fields: readonly FieldChange[]
}

/** `changes` newest first, of one note or of several; so is the answer. */
export function stepsOf(changes: readonly ChangeView[], complete: boolean): readonly Step[] {
  const before = new Map<string, ChangeView>()
  const steps: Step[] = []
  for (const change of [...changes].reverse()) {
    const name = `${change.tenantId} ${change.noteId}`
    steps.push(stepOf(change, before.get(name) ?? null, complete))
    before.set(name, change)
  }
  return steps.reverse()
}

function stepOf(change: ChangeView, before: ChangeView | null, complete: boolean): Step {
  const fields = difference(before?.note ?? null, change.note)
  if (change.note === null) return { change, kind: 'removed', fields }
  if (before === null) return { change, kind: complete ? 'created' : 'earlier', fields }
  if (before.note === null) return { change, kind: 'created', fields }
  return { change, kind: fields.length > 0 ? 'changed' : 'unchanged', fields }
}

function difference(before: object | null, after: object | null): readonly FieldChange[] {
  const [old, young] = [textsOf(before), textsOf(after)]
  return [...new Set([...old.keys(), ...young.keys()])]
    .map((field) => ({ field, before: old.get(field) ?? null, after: young.get(field) ?? null }))
    .filter(({ before: from, after: to }) => from !== to)
}

const textsOf = (note: object | null): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(note ?? {}).map(([field, value]) => [
      field,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  )

/** The texts in three parts, of which the middle ones differ. */
export function changedSpan(
  before: string,
  after: string,
): { head: string; before: string; after: string; tail: string } {
  const [old, young] = [[...before], [...after]]
  let head = 0
  while (head < old.length && head < young.length && old[head] === young[head]) head++
  let tail = 0
  while (tail < old.length - head && tail < young.length - head && old.at(-1 - tail) === young.at(-1 - tail)) tail++
  return {
    head: old.slice(0, head).join(''),
    before: old.slice(head, old.length - tail).join(''),
    after: young.slice(head, young.length - tail).join(''),
    tail: old.slice(old.length - tail).join(''),
  }
}
