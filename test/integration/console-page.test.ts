/**
 * The console in a real browser, on two real instances: every page at two widths, light and dark, with nothing for axe to
 * find, nothing on the browser's console, no breach of its policy and nothing that sticks out; and what an operator does there.
 * CONSOLE_SCREENSHOTS names a folder for pictures of each page, taken while commands flow.
 */
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ConsoleApplication, TASKS, TENANT, TOKEN } from './console-application.ts'
import {
  axeFinds,
  browserPath,
  ConsoleBrowser,
  DESK,
  goTo,
  LOOKS,
  PHONE,
  settled,
  tabTo,
  tooWideBy,
} from './console-browser.ts'

const HOSTILE = '<img src=x onerror=alert(1)> \u202e\u0007'
const SOON = { timeout: 20_000 }
const pictures = process.env['CONSOLE_SCREENSHOTS']

const PAGES = [
  ['overview', 'Overview'],
  ['overview-table', 'Overview'],
  ['tasks', 'Tasks'],
  ['task', 'Tasks'],
  ['state', 'State'],
  ['state-task', 'State'],
  ['character', 'State'],
  ['note', 'State'],
  ['dead-letters', 'Dead letters'],
  ['dead-letter', 'Dead letters'],
  ['events', 'Events'],
  ['health', 'Health'],
] as const
type PageName = (typeof PAGES)[number][0]

describe.skipIf(browserPath === undefined)(
  `in ${browserPath ?? 'no browser: set CHROMIUM_PATH'}`,
  { timeout: 120_000 },
  () => {
    let application: ConsoleApplication
    let browser: ConsoleBrowser
    let noteId: number
    let letter: string

    beforeAll(async () => {
      browser = await ConsoleBrowser.start()
      application = await ConsoleApplication.start()
      await application.create(7, HOSTILE)
      noteId = await application.create(7, 'meet me at the old mill')
      letter = await application.bury()
      if (pictures) application.flow()
    }, 120_000)

    afterEach(async () => {
      await browser.closePages()
      expect(browser.problems.splice(0)).toEqual([])
    })

    afterAll(async () => {
      await application?.close()
      await browser?.close()
    })

    const placeOf = (name: PageName): string =>
      ({
        overview: '#/',
        'overview-table': '#/',
        tasks: '#/tasks',
        task: '#/tasks/0',
        state: '#/state',
        'state-task': '#/state/tasks/0',
        character: `#/state/characters/7?tenant=${TENANT}`,
        note: `#/state/notes/${noteId}`,
        'dead-letters': '#/dead-letters',
        'dead-letter': `#/dead-letters/${letter}`,
        events: '#/events',
        health: '#/health',
      })[name]

    describe.each(LOOKS)('$width px, $colorScheme', (look) => {
      test.each(PAGES)('%s', async (name, title) => {
        const page = await browser.open(application.addressOf('first'), look)
        if (placeOf(name) !== '#/') await goTo(page, placeOf(name))
        await page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor()
        if (name === 'overview-table') await page.getByRole('button', { name: 'Table' }).click()
        await settled(page)
        if (pictures && name === 'overview') await page.locator('.line-rate').first().waitFor()
        if (pictures) await page.screenshot({ path: join(pictures, `${name}-${look.width}-${look.colorScheme}.png`) })
        expect(await axeFinds(page)).toEqual([])
        expect(await tooWideBy(page)).toBeLessThanOrEqual(0)
      })
    })

    test('axe finds what is wrong, and what is too wide is seen', async () => {
      const page = await browser.open(application.addressOf('first'), PHONE)
      await page.evaluate(() => {
        const button = document.createElement('button')
        button.style.width = '900px'
        document.querySelector('main')!.append(button)
      })
      expect((await axeFinds(page)).join()).toContain('button-name')
      expect(await tooWideBy(page)).toBeGreaterThan(0)
    })

    test('a breach of the policy is seen', async () => {
      const page = await browser.open(application.addressOf('first'))
      await page.evaluate(() => {
        const script = document.createElement('script')
        script.textContent = '1'
        document.body.append(script)
      })
      await expect.poll(() => browser.problems.splice(0).join(), SOON).toContain('policy: script-src')
      // The browser tells of it on its console as well, a moment before or after.
      await page.close()
      browser.problems.splice(0)
    })

    test('what others wrote is text', async () => {
      const page = await browser.open(application.addressOf('first'))
      await goTo(page, '#/state/characters/7')
      await page.getByText('<img src=x onerror=alert(1)>').first().waitFor()
      expect(await page.locator('main img').count()).toBe(0)
      expect(await page.locator('main').textContent()).not.toContain('\u202e')
    })

    test('the drawing shows rates while commands flow, and where they lead', async () => {
      const page = await browser.open(application.addressOf('second'))
      application.flow()
      const create = page.locator('[data-part="handler:COMMAND_TOPIC_NOTE:CREATE"]')
      const rates = () => page.locator('.line-rate').allTextContents()
      await expect.poll(rates, SOON).toContainEqual(expect.stringMatching(/^\d+(\.\d)?\/s$/))
      expect(await page.locator('.line.flows .drift').first().evaluate(animationOf)).toBe('drift')
      await create.hover()
      await expect.poll(() => page.locator('.node-details').textContent(), SOON).toMatch(/CREATE.*processed\d.*\/s/)
      expect(await page.locator('.line.lit').count()).toBeGreaterThan(1)
      // Parts of other paths step back.
      expect(await page.locator('.part.handler.lit').count()).toBe(1)
      await application.still()
      await expect.poll(async () => (await rates()).length, SOON).toBe(0)
    })

    test('nothing moves for those who do not want it', async () => {
      const page = await browser.open(application.addressOf('first'), DESK, 'reduce')
      application.flow()
      await page.locator('.line.flows .drift').first().waitFor({ state: 'attached' })
      expect(await page.locator('.line.flows .drift').first().evaluate(animationOf)).toBe('none')
      await application.still()
    })

    test('the drawing is walked through by keyboard', async () => {
      const page = await browser.open(application.addressOf('first'))
      await tabTo(page, '[data-part]')
      const at = () => page.evaluate(() => document.activeElement?.getAttribute('data-part'))
      await page.keyboard.press('ArrowRight')
      expect(await at()).toMatch(/^handler:|^dead-letters$/)
      await page.keyboard.press('ArrowLeft')
      expect(await at()).toMatch(/^source:/)
      await page.keyboard.press('Enter')
      await expect.poll(() => page.locator('[data-part][aria-pressed="true"]').count(), SOON).toBe(1)
    })

    test('without the token nothing can be done, and the page says so', async () => {
      const page = await browser.open(application.addressOf('first'))
      await goTo(page, '#/tasks/1')
      await page.getByText('needs the token').first().waitFor()
      await page.getByText('read only').waitFor()
      for (const name of [/^Pause all/, 'Pause'])
        expect(await page.getByRole('button', { name, exact: true }).first().isDisabled()).toBe(true)
    })

    test('a wrong token is told of in the dialog, which stays; the right one closes it', async () => {
      const page = await browser.open(application.addressOf('first'))
      await page.getByRole('button', { name: 'read only: unlock actions' }).click()
      const dialog = page.locator('dialog[open]')
      expect(await axeFinds(page)).toEqual([])
      await dialog.getByLabel('Token').fill('wrong')
      await page.keyboard.press('Enter')
      await dialog.getByRole('alert').getByText('not the token of the service').waitFor(SOON)
      expect(await axeFinds(page)).toEqual([])
      await dialog.getByLabel('Token').fill(TOKEN)
      await page.keyboard.press('Enter')
      await page.getByText('can act').waitFor(SOON)
      await expect.poll(() => dialog.count(), SOON).toBe(0)
    })

    test('a service that has started again wants another token, which is taken from an address pasted here', async () => {
      const page = await browser.open(`${application.addressOf('first')}#token=${TOKEN}`)
      await page.getByText('can act').waitFor()
      await page.evaluate(() => sessionStorage.setItem('tributary.token', 'of the process before'))
      await page.getByText('read only').waitFor(SOON)
      await goTo(page, `#token=${TOKEN}`)
      await page.getByText('can act').waitFor(SOON)
      expect(page.url()).not.toContain(TOKEN)
    })

    test.each(['#/state/%', '#token=%', '#/tasks/%E0%A4%A'])(
      'an address that is no encoding shows a page: %s',
      async (hash) => {
        const page = await browser.open(`${application.addressOf('first')}${hash}`)
        await page.getByRole('heading', { level: 1 }).waitFor()
        await goTo(page, '#/health')
        await page.getByRole('heading', { level: 1, name: 'Health' }).waitFor()
        await goTo(page, hash)
        await settled(page)
      },
    )

    test('320 px wide nothing sticks out, and what is pressed is 24 px high', async () => {
      const page = await browser.open(application.addressOf('first'), { ...PHONE, width: 320 })
      // As many as there may be, of the longest code.
      await page.route('**/api/operator/dead-letters?*', async (route) => {
        const answer = await route.fetch()
        const view = await answer.json()
        const reasons = [...view.reasons, { reason: 'headers.span_context_invalid', count: 123_456, waiting: 123_456 }]
        await route.fulfill({ response: answer, json: { ...view, reasons } })
      })
      for (const name of PAGES.map(([of]) => of)) {
        await goTo(page, placeOf(name))
        await settled(page)
        expect(await tooWideBy(page), name).toBeLessThanOrEqual(0)
      }
      const heightOf = async (selector: string) => (await page.locator(selector).first().boundingBox())?.height
      await goTo(page, '#/dead-letters')
      await page.locator('.letters tbody input').first().waitFor()
      expect(await heightOf('.letters tbody input')).toBeGreaterThanOrEqual(24)
      await goTo(page, '#/tasks')
      expect(await heightOf('#task-0')).toBeGreaterThanOrEqual(24)
    })

    test('an address that leads nowhere says so; titles tell pages apart; Escape leaves the search', async () => {
      const page = await browser.open(application.addressOf('first'))
      await goTo(page, '#/nonsense')
      await page.getByText('There is no page #/nonsense').waitFor()
      expect(await axeFinds(page)).toEqual([])
      await goTo(page, '#/tasks/99')
      await page.getByText(`There are ${TASKS} tasks, from 0 on.`).waitFor()
      await goTo(page, '#/tasks/x')
      await page.getByText('A task is a number.').waitFor()
      await goTo(page, '#/tasks/1')
      await expect.poll(() => page.title(), SOON).toMatch(/^Task 1 · Tasks · /)
      await page.keyboard.press('/')
      const at = () => page.evaluate(() => document.activeElement?.matches('[data-search]'))
      expect(await at()).toBe(true)
      await page.keyboard.press('Escape')
      expect(await at()).toBe(false)
    })

    test('a task is paused by keyboard alone, and seen paused on the page of the other instance', async () => {
      const page = await browser.open(`${application.addressOf('first')}#token=${TOKEN}`)
      await page.getByText('can act').waitFor()
      expect(page.url()).not.toContain(TOKEN)
      const elsewhere = await browser.open(application.addressOf('second'))
      await goTo(elsewhere, '#/tasks')
      await pauseByKeyboard(page, 2)
      const row = elsewhere.locator('tr', { has: elsewhere.locator('#task-2') })
      await row.getByText('paused').waitFor(SOON)
      await expect.poll(() => application.services.flatMap(({ health }) => health.paused), SOON).toEqual([2])
      await row.getByText('by robin').waitFor(SOON)
      // What is paused stands first on the overview, of either.
      await goTo(elsewhere, '#/')
      await elsewhere.locator('.trouble.held').getByRole('link', { name: 'task 2' }).waitFor(SOON)
      await application.resumeAll()
      await elsewhere.locator('.calm').waitFor(SOON)
    })

    test('all are paused at once by a dialog that says how many, and resumed', async () => {
      const page = await browser.open(`${application.addressOf('second')}#token=${TOKEN}`)
      await goTo(page, '#/tasks')
      await page.getByRole('button', { name: `Pause all ${TASKS}` }).click()
      const dialog = page.locator('dialog[open]')
      await dialog.getByRole('heading', { name: `Pause all ${TASKS} tasks?` }).waitFor()
      expect(await axeFinds(page)).toEqual([])
      await dialog.getByRole('button', { name: `Pause ${TASKS}` }).click()
      await dialog.getByText(`${TASKS} tasks paused.`).waitFor(SOON)
      await page.keyboard.press('Escape')
      await page.getByRole('button', { name: `Resume ${TASKS}` }).click()
      await dialog.getByRole('button', { name: `Resume ${TASKS}` }).click()
      await dialog.getByText(`${TASKS} tasks resumed.`).waitFor(SOON)
    })

    test('filters are in the address, and a task is one of its own', async () => {
      const page = await browser.open(application.addressOf('first'))
      await goTo(page, '#/tasks')
      await page.locator('#task-0').waitFor()
      await page.getByRole('searchbox', { name: 'Search tasks' }).fill('1-2')
      await expect.poll(() => page.locator('tbody tr.row').count(), SOON).toBe(2)
      await expect.poll(() => page.url(), SOON).toMatch(/#\/tasks\?q=1-2$/)
      await page.locator('#task-1').click()
      await page.getByRole('heading', { level: 2, name: 'Task 1' }).waitFor()
      expect(page.url()).toMatch(/#\/tasks\/1\?q=1-2$/)
      await page.keyboard.press('Escape')
      await expect.poll(() => page.url(), SOON).toMatch(/#\/tasks\?q=1-2$/)
      await page.goBack()
      await page.getByRole('heading', { level: 2, name: 'Task 1' }).waitFor()
    })

    test('cut off, it says since when, keeps what it knew, and comes back by itself', async () => {
      const page = await browser.open(application.addressOf('first'))
      await page.locator('.calm').waitFor()
      await page.route('**/api/operator/overview', (route) => route.abort())
      await page.getByText(/^Shown is what was known at \d\d:\d\d:\d\d\.$/).waitFor(SOON)
      expect(await page.locator('.tile').count()).toBe(7)
      // It does not say of now what it knows of then.
      expect(await page.locator('.calm').count()).toBe(0)
      expect(await axeFinds(page)).toEqual([])
      await page.unroute('**/api/operator/overview')
      await page.locator('.calm').waitFor(SOON)
      // The requests that were cut off are on the browser's console, and nothing else.
      expect(browser.problems.splice(0).filter((problem) => !problem.includes('net::ERR_FAILED'))).toEqual([])
    })
  },
)

const animationOf = (element: Element): string => getComputedStyle(element).animationName

/** `g t`, `/`, the number, Tab and Enter: nothing but keys. */
async function pauseByKeyboard(page: Page, task: number): Promise<void> {
  for (const key of ['g', 't']) await page.keyboard.press(key)
  await page.locator(`#task-${task}`).waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type(String(task))
  await tabTo(page, `#task-${task}`)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 2, name: `Task ${task}` }).waitFor()
  await tabTo(page, '.task-detail .orders button:enabled')
  await page.keyboard.press('Enter')
  await page.locator('dialog[open]').getByText('It finishes the batch under way').waitFor()
  await tabTo(page, 'dialog[open] input[name=name]')
  await page.keyboard.type('robin')
  await tabTo(page, 'dialog[open] button[type=submit]')
  await page.keyboard.press('Enter')
  await page.locator('dialog[open]').getByText('1 task paused.').waitFor(SOON)
  await page.keyboard.press('Escape')
}
