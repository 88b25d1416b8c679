/**
 * A real browser for tests of the console, and what no page may do: a line on the browser's console, a breach of its own
 * policy, something wider than the window, something that axe finds.
 */
import { accessSync, constants, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

const CANDIDATES = [
  process.env['CHROMIUM_PATH'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Undefined: there is none. */
export const browserPath = CANDIDATES.find((path) => path !== undefined && isThere(path))

export interface Look {
  readonly width: number
  readonly height: number
  readonly colorScheme: 'light' | 'dark'
}

export const DESK: Look = { width: 1_440, height: 900, colorScheme: 'light' }
export const PHONE: Look = { width: 390, height: 844, colorScheme: 'light' }
export const LOOKS: readonly Look[] = [DESK, PHONE].flatMap((look) => [look, { ...look, colorScheme: 'dark' as const }])

export class ConsoleBrowser {
  /** What pages did that they may not. */
  readonly problems: string[] = []
  readonly #browser: Browser
  readonly #contexts: BrowserContext[] = []

  private constructor(browser: Browser) {
    this.#browser = browser
  }

  static async start(): Promise<ConsoleBrowser> {
    return new ConsoleBrowser(await chromium.launch({ executablePath: browserPath!, args: ['--no-sandbox'] }))
  }

  /** Resolves once the page shows what runs now. `address` may have the token in its fragment. */
  async open(
    address: string,
    { width, height, colorScheme }: Look = DESK,
    reducedMotion: 'reduce' | 'no-preference' = 'no-preference',
  ): Promise<Page> {
    const context = await this.#browser.newContext({ viewport: { width, height }, colorScheme, reducedMotion })
    this.#contexts.push(context)
    const page = await context.newPage()
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.problems.push(`console: ${message.text()}`)
    })
    page.on('pageerror', (error) => this.problems.push(`page: ${error.message}`))
    await page.exposeFunction('reportBreach', (what: string) => void this.problems.push(`policy: ${what}`))
    await page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
        const { reportBreach } = globalThis as unknown as { reportBreach(what: string): void }
        reportBreach(`${violatedDirective} ${blockedURI}`)
      })
    })
    await page.goto(address)
    await page.locator('.live.good').waitFor()
    return page
  }

  async closePages(): Promise<void> {
    for (const context of this.#contexts.splice(0)) await context.close()
  }

  close(): Promise<void> {
    return this.#browser.close()
  }
}

/** As a click on a link within the page, or a press of the back button, would lead there. */
export async function goTo(page: Page, hash: string): Promise<void> {
  await page.evaluate((to) => void (location.hash = to), hash)
}

/** Everything that the page asks for when it is opened has come. */
export async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => !/Loading /.test(document.querySelector('main')?.textContent ?? ''))
}

/** Rules that are broken, each with the first element that does. */
export async function axeFinds(page: Page): Promise<readonly string[]> {
  await page.evaluate(AXE)
  return await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
    }
    return (await axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200)}`)
  })
}

/** px by which the page is wider than the window. */
export const tooWideBy = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)

/** Presses Tab until the focus is on what is wanted: at most so often as there are things to stop at. */
export async function tabTo(page: Page, selector: string, stopsMax = 60): Promise<void> {
  for (let stop = 0; stop < stopsMax; stop++) {
    await page.keyboard.press('Tab')
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) === true, selector)) return
  }
  const at = await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 200))
  throw new Error(`${selector} is not reached by ${stopsMax} presses of Tab; the last stop was ${at}`)
}

function isThere(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
