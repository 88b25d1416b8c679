/** What came of faults: one row each, the sums, and the page's table. Pure. */
import type { Report } from '../checker/report.ts'
import { type Expected, expectedText, type Fault, type WorkloadName } from '../registry/fault.ts'

export interface Row {
  readonly fault: Fault
  readonly workload: WorkloadName
  readonly scene: string
  readonly seed: number
  /** How often the path was really taken; null when it could not be tried here. */
  readonly hits: number | null
  readonly healedMs: number | null
  /** Empty when it is as expected; else what is wrong, or why it was skipped. */
  readonly wrong: string
  readonly skipped: string
}

export interface Sums {
  readonly faults: number
  readonly hit: number
  readonly lost: number
  readonly doubled: number
  readonly reordered: number
  readonly differences: number
  readonly skipped: number
  readonly right: boolean
}

export function sumsOf(rows: readonly Row[], reports: readonly Report[]): Sums {
  const count = (...kinds: readonly Parameters<Report['count']>[0][]): number =>
    reports.reduce((sum, report) => sum + kinds.reduce((n, kind) => n + report.count(kind), 0), 0)
  const tried = rows.filter((row) => row.skipped === '')
  const sums = {
    faults: tried.length,
    hit: tried.filter(({ hits }) => (hits ?? 0) > 0).length,
    lost: count('lost'),
    doubled: count('doubled', 'phantom'),
    reordered: count('reordered'),
    differences: count('wrong', 'misplaced', 'state', 'offsets', 'open'),
    skipped: rows.length - tried.length,
  }
  const { faults, hit, lost, doubled, reordered, differences } = sums
  const right =
    faults > 0 && hit === faults && lost + doubled + reordered + differences === 0 && tried.every((r) => r.wrong === '')
  return { ...sums, right }
}

export const lastLine = ({ faults, hit, lost, doubled, reordered, differences, skipped }: Sums): string =>
  `${faults} faults, ${hit} hit, ${lost} lost, ${doubled} doubled, ${reordered} reordered, ${differences} state differences` +
  (skipped > 0 ? ` (${skipped} skipped)` : '')

const verdict = ({ wrong, skipped, hits }: Row): string =>
  skipped
    ? `skipped: ${skipped}`
    : wrong
      ? `WRONG: ${wrong.split('\n')[0]}`
      : hits === 0
        ? 'WRONG: never hit'
        : 'as expected'

const shortly = (expected: Expected): string => (expected.kind === 'stops' ? `stops ${expected.code}` : expected.kind)

/** For a terminal. */
export function tableText(rows: readonly Row[]): string {
  const cells = [
    ['FAULT', 'GROUP', 'WORKLOAD', 'EXPECTED', 'HITS', 'HEALED MS', 'VERDICT'],
    ...rows.map((row) => [
      row.fault.name,
      row.fault.group,
      row.workload,
      shortly(row.fault.expected),
      String(row.hits ?? '-'),
      String(row.healedMs ?? '-'),
      verdict(row),
    ]),
  ]
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)))
  return cells
    .map((line) => line.map((cell, column) => cell.padEnd(column === line.length - 1 ? 0 : widths[column]!)).join('  '))
    .join('\n')
}

/** For docs/faults.md: one line a fault, the workloads side by side. */
export function tableMarkdown(rows: readonly Row[]): string {
  const byName = Map.groupBy(rows, (row) => row.fault.name)
  const cell = (row: Row | undefined, value: (row: Row) => number | null): string =>
    row === undefined ? '' : row.skipped ? 'skipped' : String(value(row) ?? '')
  const lines = [...byName].map(([name, own]) => {
    const { fault } = own[0]!
    const of = (workload: WorkloadName): Row | undefined => own.find((row) => row.workload === workload)
    const both = (value: (row: Row) => number | null): string =>
      [of('notes'), of('ledger')]
        .filter((row) => row !== undefined)
        .map((row) => cell(row, value))
        .join(' / ')
    const wrong = own.filter((row) => row.wrong !== '' || row.hits === 0).length
    const outcome = own.every((row) => row.skipped) ? 'skipped' : wrong > 0 ? '**wrong**' : 'as expected'
    return `| ${fault.group} | ${name} | ${fault.injects} | ${expectedText(fault.expected)} | ${both((r) => r.hits)} | ${both((r) => r.healedMs)} | ${outcome} |`
  })
  return [
    '| group | fault | what is injected | expected | hits | healed, ms | outcome |',
    '|---|---|---|---|---|---|---|',
    ...lines,
  ].join('\n')
}

/** Rows that were played again in the place of what the page says of them; new ones at its end. */
export function mergedTable(page: string, again: string): string {
  const [head = '', rule = '', ...lines] = again.split('\n')
  const fresh = new Map(lines.map((line) => [nameIn(line), line]))
  const kept = page.split('\n').filter((line) => line.startsWith('| ') && nameIn(line) !== nameIn(head))
  const merged = kept.map((line) => {
    const name = nameIn(line)
    const newer = fresh.get(name)
    fresh.delete(name)
    return newer ?? line
  })
  return [head, rule, ...merged, ...fresh.values()].join('\n')
}

const nameIn = (line: string): string => line.split(' | ')[1] ?? ''
