/** Dashboard and alerts ask for metrics and labels that there are, in PromQL that Prometheus understands. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { Metrics } from '../../api/metrics.ts'
import { ALERT_TESTS, ALERTS, alertQueries, alerts, dashboardQueries, namesOf, tool } from './queries.ts'

const queries = [...dashboardQueries(), ...alertQueries()]
const metrics = new Metrics('test')
const own = metrics.describe()
/** As the text has them: a histogram is three. */
const told = new Map<string, readonly string[]>()
for (const { name, type, labels } of own) {
  if (type !== 'histogram') told.set(name, labels)
  else {
    told.set(`${name}_bucket`, [...labels, 'le'])
    for (const part of ['sum', 'count']) told.set(`${name}_${part}`, labels)
  }
}
for (const line of (await metrics.text()).split('\n')) {
  const [, name] = /^# TYPE ((?:process|nodejs)_\S+) (?:gauge|counter)/.exec(line) ?? []
  if (name) told.set(name, [])
}
/** Of every series: the registry's own, and what Prometheus adds when it scrapes. */
const EVERYWHERE = ['application', 'instance', 'job']

test('there is something to check', () => {
  expect(dashboardQueries().length).toBeGreaterThan(30)
  expect(alertQueries().length).toBeGreaterThan(10)
  expect(told.size).toBeGreaterThan(40)
})

test('names and labels are found in a query', () => {
  const expr =
    'histogram_quantile(0.9, sum by (le, a) (rate(x_bucket{b="c", d!~"e{}"}[5m]))) > 0.1 * max(y) and on (f) z offset 5m'
  expect(namesOf(expr)).toEqual({
    selectors: [
      { metric: 'x_bucket', labels: ['b', 'd'] },
      { metric: 'y', labels: [] },
      { metric: 'z', labels: [] },
    ],
    grouping: ['le', 'a', 'f'],
  })
})

test.each(queries.map(({ name, expr }) => [name, expr] as const))('%s: %s', (_, expr) => {
  const { selectors, grouping } = namesOf(expr)
  expect(selectors.length).toBeGreaterThan(0)
  for (const { metric, labels } of selectors) {
    const has = told.get(metric)
    expect(has, `${metric} is no metric of the service`).toBeDefined()
    expect(labels.filter((label) => !has!.includes(label) && !EVERYWHERE.includes(label))).toEqual([])
  }
  const all = selectors.flatMap(({ metric }) => told.get(metric) ?? [])
  expect(grouping.filter((label) => !all.includes(label) && !EVERYWHERE.includes(label))).toEqual([])
})

test('every metric of the service is on the dashboard', () => {
  const shown = new Set(dashboardQueries().flatMap(({ expr }) => namesOf(expr).selectors.map(({ metric }) => metric)))
  const missing = own.filter(({ name }) => ![name, `${name}_bucket`, `${name}_count`].some((part) => shown.has(part)))
  expect(missing.map(({ name }) => name)).toEqual([])
})

test('every alert says what it is and what to do', () => {
  for (const { alert, annotations } of alerts()) {
    expect(Object.keys(annotations), alert).toEqual(['summary', 'description'])
    for (const text of Object.values(annotations) as string[]) expect(text.length, alert).toBeGreaterThan(20)
  }
})

const require = createRequire(import.meta.url)
const grammar = ((): string | null => {
  try {
    return require.resolve('@prometheus-io/lezer-promql')
  } catch {
    return null
  }
})()

describe.skipIf(grammar === null)(`Prometheus' own grammar ${grammar ? '' : '(package not installed)'}`, () => {
  test.each(queries.map(({ name, expr }) => [name, expr] as const))('%s: %s', async (_, expr) => {
    const { parser } = (await import(pathToFileURL(grammar!).href)) as {
      parser: { parse(text: string): { iterate(options: { enter(node: { type: { isError: boolean } }): void }): void } }
    }
    let errors = 0
    parser.parse(expr).iterate({
      enter: ({ type }) => {
        if (type.isError) errors++
      },
    })
    expect(errors).toBe(0)
  })
})

const promtool = tool('promtool')

describe.skipIf(promtool === null)(`promtool ${promtool ?? '(not on the PATH)'}`, { timeout: 60_000 }, () => {
  const run = (...args: readonly string[]): string => execFileSync(promtool!, args, { encoding: 'utf8' })

  test('takes the rules', () => {
    expect(run('check', 'rules', ALERTS)).toContain('SUCCESS')
  })

  test('and they fire when they should', () => {
    expect(run('test', 'rules', ALERT_TESTS)).toContain('SUCCESS')
  })

  test('takes every query of the dashboard', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tributary-queries-'))
    try {
      const file = join(folder, 'queries.yml')
      const rules = dashboardQueries().map(({ expr }, i) => ({ record: `query_${i}`, expr }))
      writeFileSync(file, stringify({ groups: [{ name: 'dashboard', rules }] }))
      expect(run('check', 'rules', file)).toContain(`${rules.length} rules found`)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
