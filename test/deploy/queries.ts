/** The queries of the dashboard and of the alert rules, and the tools of Prometheus where this machine has them. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'

export const root = resolve(import.meta.dirname, '../..')
export const ALERTS = join(root, 'deploy/prometheus/alerts.yml')
export const ALERT_TESTS = join(root, 'deploy/prometheus/alerts.test.yml')
export const DASHBOARD = join(root, 'deploy/grafana/tributary.json')

export interface Query {
  /** Of the panel or alert. */
  readonly name: string
  /** As Prometheus takes it: Grafana's variables are filled in. */
  readonly expr: string
}

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
}

/** `application` as the label has it. */
export function dashboardQueries(application = 'notes'): readonly Query[] {
  const { panels } = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as { panels: readonly Panel[] }
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({
      name: title,
      expr: expr.replaceAll('$application', application).replaceAll('$__rate_interval', '1m'),
    })),
  )
}

interface Rules {
  readonly groups: readonly { readonly rules: readonly { alert: string; expr: string; annotations: object }[] }[]
}

export const alerts = (): Rules['groups'][number]['rules'] =>
  (parse(readFileSync(ALERTS, 'utf8')) as Rules).groups.flatMap(({ rules }) => rules)

export const alertQueries = (): readonly Query[] => alerts().map(({ alert, expr }) => ({ name: alert, expr }))

/** A selector of a query: a metric with the labels that its matchers name. */
export interface Selector {
  readonly metric: string
  readonly labels: readonly string[]
}

const WORD = /[a-zA-Z_:][a-zA-Z0-9_:]*/y

/** Metrics with their matchers, and the labels that the query groups or joins by. Knows as much PromQL as ours need. */
export function namesOf(expr: string): {
  readonly selectors: readonly Selector[]
  readonly grouping: readonly string[]
} {
  const text = expr.replace(/"[^"]*"/g, '""')
  const selectors: Selector[] = []
  const grouping: string[] = []
  for (let at = 0; at < text.length; ) {
    WORD.lastIndex = at
    const word = WORD.exec(text)?.[0]
    if (word === undefined) {
      // A number with its unit, as in [5m], is no word.
      at += /^\d\w*/.exec(text.slice(at))?.[0].length ?? 1
      continue
    }
    at += word.length
    const rest = text.slice(at)
    if (KEYWORDS.has(word)) {
      const list = /^\s*\(([^)]*)\)/.exec(rest)
      if (list && GROUPING.has(word)) {
        grouping.push(...list[1]!.split(',').map((label) => label.trim()))
        at += list[0].length
      }
      continue
    }
    // A function or an aggregation.
    if (/^\s*(\(|by\b|without\b)/.test(rest)) continue
    const matchers = /^\{([^}]*)\}/.exec(rest)
    at += matchers?.[0].length ?? 0
    const labels = (matchers?.[1] ?? '').split(',').flatMap((part) => /^\s*(\w+)\s*[=!]/.exec(part)?.[1] ?? [])
    selectors.push({ metric: word, labels })
  }
  return { selectors, grouping: grouping.filter((label) => label !== '') }
}

const GROUPING = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right'])
const KEYWORDS = new Set([...GROUPING, 'and', 'or', 'unless', 'offset', 'bool'])

/** The program, when it is on the PATH. */
export function tool(name: 'promtool' | 'prometheus'): string | null {
  try {
    return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim()
  } catch {
    return null
  }
}
