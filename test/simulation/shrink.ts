/**
 * Makes a failing history shorter while it fails by the same rule: leaves out events by halves and then one by one, then
 * records, then processes. Owns nothing; the run that decides is the caller's.
 */
import type { History, HistoryEvent } from './history.ts'

/** The rule that the history breaks, or null. */
export type Run = (history: History) => string | null

export function shrink(history: History, run: Run, expired: () => boolean): History {
  const rule = run(history)
  if (rule === null) throw new Error('the history breaks no rule: it cannot be shrunk')
  const fails = (candidate: History): boolean => run(candidate) === rule
  let best = history
  for (let before = -1; before !== sizeOf(best) && !expired(); ) {
    before = sizeOf(best)
    best = fewerEvents(best, fails, expired)
    best = fewerRecords(best, fails, expired)
    best = fewerProcesses(best, fails)
  }
  return best
}

const sizeOf = ({ events, processes }: History): number =>
  processes.length + events.length + events.reduce((sum, e) => sum + (e.kind === 'input' ? e.records.length : 0), 0)

function fewerEvents(history: History, fails: (h: History) => boolean, expired: () => boolean): History {
  let best = history
  for (
    let size = Math.ceil(best.events.length / 2);
    size >= 1 && !expired();
    size = size === 1 ? 0 : Math.ceil(size / 2)
  )
    for (let at = 0; at < best.events.length && !expired(); ) {
      const candidate = { ...best, events: [...best.events.slice(0, at), ...best.events.slice(at + size)] }
      if (fails(candidate)) best = candidate
      else at += size
    }
  return best
}

function fewerRecords(history: History, fails: (h: History) => boolean, expired: () => boolean): History {
  let best = history
  best.events.forEach((_, at) => {
    for (let drop = 0; !expired(); ) {
      const event: HistoryEvent = best.events[at]!
      if (event.kind !== 'input' || event.records.length < 2 || drop >= event.records.length) return
      const shorter = { ...event, records: event.records.filter((_record, i) => i !== drop) }
      const candidate = { ...best, events: best.events.map((e, i) => (i === at ? shorter : e)) }
      if (fails(candidate)) best = candidate
      else drop++
    }
  })
  return best
}

function fewerProcesses(history: History, fails: (h: History) => boolean): History {
  const candidate = { ...history, processes: history.processes.slice(0, -1) }
  const last = candidate.processes.length
  const named = history.events.some((e) => 'process' in e && e.process >= last)
  return last > 0 && !named && fails(candidate) ? candidate : history
}
