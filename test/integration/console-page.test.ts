/**
 * The console in a real browser, on a real service: every page at two widths, light and dark, with nothing for axe to find,
 * nothing on the browser's console and nothing that sticks out; and what an operator does there.
 * CONSOLE_SCREENSHOTS names a folder for pictures of each page.
 */
import { randomUUID } from 'node:crypto'
import { accessSync, constants, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { RunningService } from '../../service.ts'
import { startReady } from '../support/running-service.ts'
import { http, noteOf, RestService, tenantHeaders } from './rest-support.ts'

const CANDIDATES = [
  process.env['CHROMIUM_PATH'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]
const executablePath = CANDIDATES.find((path) => path !== undefined && isThere(path))
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const TOKEN = 'a-token-of-the-operators'
const TENANT = randomUUID()
const SIZES = [
  { width: 1_440, height: 900 },
  { width: 390, height: 844 },
]
const PAGES = [
  ['overview', '#/', 'Overview'],
  ['tasks', '#/tasks', 'Tasks'],
  ['task', '#/tasks/0', 'Tasks'],
  ['state', '#/state', 'State'],
  ['character', '#/state/characters/7', 'State'],
  ['dead-letters', '#/dead-letters', 'Dead letters'],
  ['events', '#/events', 'Events'],
  ['health', '#/health', 'Health'],
] as const

describe.skipIf(executablePath === undefined)(
  `in ${executablePath ?? 'no browser: set CHROMIUM_PATH'}`,
  { timeout: 120_000 },
  () => {
    let service: RunningService
    let rest: RestService
    let browser: Browser
    let origin: string
    const contexts: BrowserContext[] = []
    const problems: string[] = []

    beforeAll(async () => {
      rest = await RestService.configured({ API_TOKEN: TOKEN, TOPIC_PARTITIONS: '4' })
      service = await startReady(rest.config)
      origin = `http://127.0.0.1:${rest.port}`
      for (const [i, message] of ['meet me at the old mill', '<img src=x onerror=alert(1)> \u202e‮'].entries()) {
        const headers = { ...tenantHeaders(TENANT), authorization: `Bearer ${TOKEN}`, 'idempotency-key': `note-${i}` }
        expect((await http(rest.port, 'POST', '/api/notes', { headers, body: noteOf(7, message) })).status).toBe(201)
      }
      browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] })
    }, 120_000)

    afterEach(async () => {
      for (const context of contexts.splice(0)) await context.close()
      expect(problems.splice(0)).toEqual([])
    })

    afterAll(async () => {
      await browser?.close()
      await service?.close()
    })

    async function opened(
      where: string,
      options: { size?: (typeof SIZES)[number]; colorScheme?: 'light' | 'dark'; token?: string } = {},
    ): Promise<Page> {
      const { size = SIZES[0]!, colorScheme = 'light', token } = options
      const context = await browser.newContext({ viewport: size, colorScheme })
      contexts.push(context)
      const page = await context.newPage()
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) problems.push(`console: ${message.text()}`)
      })
      page.on('pageerror', (error) => problems.push(`page: ${error.message}`))
      await page.goto(`${origin}/${token === undefined ? '' : `#token=${token}`}`)
      await page.locator('.live.good').waitFor()
      if (where !== '#/') await page.evaluate((hash) => void (location.hash = hash), where)
      return page
    }

    for (const size of SIZES)
      for (const colorScheme of ['light', 'dark'] as const)
        test.each(PAGES)(`%s at ${size.width} px, ${colorScheme}`, async (name, where, title) => {
          const page = await opened(where, { size, colorScheme })
          await page.getByRole('heading', { level: 1, name: title }).waitFor()
          await page.waitForFunction(() => !/Loading /.test(document.querySelector('main')?.textContent ?? ''))
          await page.evaluate(AXE)
          const found = await page.evaluate(async () => {
            const { axe } = globalThis as unknown as {
              axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
            }
            return (await axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200)}`)
          })
          expect(found).toEqual([])
          const beyond = await page.evaluate(
            () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
          )
          expect(beyond).toBeLessThanOrEqual(0)
          const folder = process.env['CONSOLE_SCREENSHOTS']
          if (folder) await page.screenshot({ path: join(folder, `${name}-${size.width}-${colorScheme}.png`) })
        })

    test('what others wrote is text', async () => {
      const page = await opened('#/state/characters/7')
      await page.getByText('<img src=x onerror=alert(1)>').first().waitFor()
      expect(await page.locator('main img').count()).toBe(0)
    })

    test('axe finds what is wrong', async () => {
      const page = await opened('#/tasks')
      await page.evaluate(AXE)
      const found = await page.evaluate(async () => {
        document.querySelector('main')!.append(document.createElement('button'))
        const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string }[] }> } }
        return (await axe.run()).violations.map(({ id }) => id)
      })
      expect(found).toContain('button-name')
    })

    test('without the token nothing can be done, with it a task is paused by keyboard alone', async () => {
      const locked = await opened('#/tasks/1')
      await locked.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor()
      await locked.getByText('read only').waitFor()
      const page = await opened('#/tasks', { token: TOKEN })
      await page.getByText('can act').waitFor()
      expect(page.url()).not.toContain(TOKEN)
      await page.keyboard.press('g')
      await page.keyboard.press('t')
      await page.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor()
      const pause = page.getByRole('button', { name: /^Pause all/ })
      await pause.focus()
      await page.keyboard.press('Enter')
      const confirm = page.locator('dialog[open]').getByRole('button', { name: /^Pause/ })
      await confirm.focus()
      await page.keyboard.press('Enter')
      await expect.poll(() => service.health.paused.length, { timeout: 20_000 }).toBe(4)
      const reply = await http(rest.port, 'POST', '/api/operator/tasks/resume', {
        headers: { authorization: `Bearer ${TOKEN}` },
        body: { tasks: 'all' },
      })
      expect(reply.status).toBe(200)
    })
  },
)

function isThere(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
