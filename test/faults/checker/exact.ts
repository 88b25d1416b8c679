/**
 * The exact outputs of one source whose records are all at home: per task the order of its partition decides everything,
 * ids too. A second, simpler proof than pairing by trace. Independent of the engine; pure.
 */
import type { LogRecord } from '../../java/log-record.ts'
import type { Cause } from './causes.ts'
import { partitionOf } from './murmur2.ts'
import type { Report } from './report.ts'

/** `status` has as many partitions as there are tasks, so each has one writer. */
export function checkExact(
  causes: readonly Cause[],
  status: readonly LogRecord[],
  tasks: number,
  stride: number,
  report: Report,
): void {
  const expected = Array.from({ length: tasks }, () => [] as string[])
  const sequence = new Array<number>(tasks).fill(0)
  const live = new Map<number, string>()
  for (const cause of causes) {
    const task = partitionOf(cause.characterId, tasks)
    const owner = `${cause.tenant}:${cause.characterId}`
    const say = (type: string, noteId: number): void => void expected[task]!.push(`${cause.trace} ${type} ${noteId}`)
    if (cause.kind === 'create' && cause.failure === undefined) {
      const noteId = sequence[task]!++ * stride + task + 1
      live.set(noteId, owner)
      say('CREATED', noteId)
    } else if (cause.kind === 'discard') {
      for (const noteId of cause.noteIds) if (live.get(noteId) === owner && live.delete(noteId)) say('DELETED', noteId)
    } else throw new Error(`${cause.at}: a ${cause.kind} has no place in an exact run`)
  }
  const got = Array.from({ length: tasks }, () => [] as string[])
  for (const record of status) {
    const trace = record.headers
      .find(([name]) => name === 'traceparent')?.[1]
      ?.toString('latin1')
      .slice(3, 35)
    const value = JSON.parse(record.value!.toString('utf8'))
    got[record.partition]?.push(`${trace} ${value.type} ${value.body.noteId}`)
  }
  for (let task = 0; task < tasks; task++) {
    const wanted = expected[task]!
    const at = wanted.findIndex((line, i) => got[task]![i] !== line)
    if (at >= 0)
      report.add(
        'reordered',
        `status partition ${task}, event ${at}: wanted ${wanted[at]}, got ${got[task]![at] ?? 'nothing'}`,
      )
    else if (got[task]!.length > wanted.length)
      report.add('phantom', `status partition ${task}: ${got[task]!.length - wanted.length} events too many`)
  }
}

/** Two logs with the same records, byte for byte, partition by partition; offsets differ where markers lie. */
export function checkSame(what: string, one: readonly LogRecord[], other: readonly LogRecord[], report: Report): void {
  const lines = (records: readonly LogRecord[]): Map<number, string[]> =>
    new Map([...Map.groupBy(records, (r) => r.partition)].map(([partition, own]) => [partition, own.map(bytesOf)]))
  const [a, b] = [lines(one), lines(other)]
  for (const partition of new Set([...a.keys(), ...b.keys()])) {
    const [left, right] = [a.get(partition) ?? [], b.get(partition) ?? []]
    const length = Math.max(left.length, right.length)
    for (let i = 0; i < length; i++) {
      if (left[i] === right[i]) continue
      report.add(
        'wrong',
        `${what} partition ${partition}, record ${i} (of ${left.length} and ${right.length}): ${left[i]} is not ${right[i]}`,
      )
      break
    }
  }
}

const bytesOf = ({ timestampMs, headers, key, value }: LogRecord): string =>
  JSON.stringify([
    timestampMs,
    headers.map(([n, v]) => [n, v?.toString('hex')]),
    key?.toString('hex'),
    value?.toString('utf8'),
  ])
