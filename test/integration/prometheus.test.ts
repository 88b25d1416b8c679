/** A real Prometheus scrapes the real service, and answers every query of the dashboard and of the alerts. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePorts } from '../../embedded/free-port.ts'
import { ALERTS, alertQueries, dashboardQueries, tool } from '../deploy/queries.ts'
import { CliWorld, create, discard, eventually } from './cli-support.ts'

const prometheus = tool('prometheus')
/** Nothing happens in a quiet service that these could tell of, or they are told where it did not happen. */
const QUIET = /^(Dropped, dead letters, forwarded|Left to restore|Rebalances and recoveries|Differences, rebuilds)/

describe.skipIf(prometheus === null)(`Prometheus ${prometheus ?? '(not on the PATH)'}`, { timeout: 120_000 }, () => {
  let world: CliWorld
  let address: string
  const folder = mkdtempSync(join(tmpdir(), 'tributary-prometheus-'))
  const ends: (() => void)[] = []

  beforeAll(async () => {
    world = await CliWorld.open({ AUDIT_INTERVAL_MS: '200' })
    await world.start()
    await world.send(Array.from({ length: 20 }, (_, at) => create(at + 1, 50, `note ${at}`)))
    await world.send([discard(1, [4_294_967_295]), 'no JSON'])
    await world.settled()
    const [port] = await freePorts(1)
    address = `http://127.0.0.1:${port}`
    const file = join(folder, 'prometheus.yml')
    const config = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [ALERTS],
      scrape_configs: [{ job_name: 'notes', static_configs: [{ targets: [new URL(world.service!.restUrl).host] }] }],
    }
    writeFileSync(file, JSON.stringify(config))
    const child = spawn(
      prometheus!,
      [`--config.file=${file}`, `--storage.tsdb.path=${folder}`, `--web.listen-address=127.0.0.1:${port}`],
      { stdio: 'ignore' },
    )
    ends.push(() => child.kill('SIGKILL'))
    // Rates need two scrapes.
    const scraped = 'min_over_time(up[10s]) == 1 and count_over_time(up[10s]) > 2'
    await eventually('it has scraped', async () => (await ask(scraped).catch(() => [])).length > 0)
    await world.send(Array.from({ length: 20 }, (_, at) => create(at + 1, 50, `note ${at}`)))
    await world.settled()
    await eventually('it has scraped more', async () => (await ask('count_over_time(up[30s]) > 6')).length > 0)
  }, 120_000)

  afterAll(async () => {
    for (const end of ends) end()
    rmSync(folder, { recursive: true, force: true })
    await world?.close()
  })

  async function ask(expr: string): Promise<readonly unknown[]> {
    const answer = await fetch(`${address}/api/v1/query?${new URLSearchParams({ query: expr })}`)
    const { status, data, error } = (await answer.json()) as {
      status: string
      error?: string
      data: { result: readonly unknown[] }
    }
    if (status !== 'success') throw new Error(`${expr}: ${error}`)
    return data.result
  }

  test('every query of the dashboard has an answer', async () => {
    const empty: string[] = []
    for (const { name, expr } of dashboardQueries(world.application))
      if ((await ask(expr)).length === 0 && !QUIET.test(name)) empty.push(`${name}: ${expr}`)
    expect(empty).toEqual([])
  })

  test('every alert can be asked, and in a sound service only the dead letter fires', async () => {
    const firing: string[] = []
    for (const { name, expr } of alertQueries()) if ((await ask(expr)).length > 0) firing.push(name)
    expect(firing).toEqual(['DeadLetters'])
    const { data } = (await (await fetch(`${address}/api/v1/rules`)).json()) as {
      data: { groups: readonly { rules: readonly { name: string; health: string }[] }[] }
    }
    const rules = data.groups.flatMap(({ rules: all }) => all)
    expect(rules).toHaveLength(alertQueries().length)
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([])
  })
})
