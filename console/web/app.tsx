/** The frame of every page: where one can go, how the application is, whether one may act; and what is read for all pages. */
import type { ComponentType } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Overview, SessionView, TopologyView } from '../contract.ts'
import { shortcuts } from './keys.ts'
import { LiveContext, OVERVIEW_EVERY_MS, SESSION_EVERY_MS, withOwnReadiness } from './live.ts'
import { useLoad } from './load.ts'
import { DeadLettersPage } from './pages/dead-letters.tsx'
import { EventsPage } from './pages/events.tsx'
import { HealthPage } from './pages/health.tsx'
import { OverviewPage } from './pages/overview.tsx'
import { StatePage } from './pages/state.tsx'
import { TasksPage } from './pages/tasks.tsx'
import { go, linkTo, type Place, usePlace } from './router.ts'
import { titleOf } from './titles.ts'
import { KeysDialog } from './ui/keys-dialog.tsx'
import { LiveMark } from './ui/live-mark.tsx'
import { Failure, Foreign } from './ui/parts.tsx'
import { SessionButton } from './ui/session-button.tsx'
import { ThemeButton } from './ui/theme-button.tsx'

export interface PageProps {
  readonly place: Place
}

interface Page {
  /** First part of its path. */
  readonly name: string
  readonly title: string
  /** Behind `g`. */
  readonly key: string
  readonly view: ComponentType<PageProps>
}

export const PAGES: readonly Page[] = [
  { name: '', title: 'Overview', key: 'o', view: OverviewPage },
  { name: 'tasks', title: 'Tasks', key: 't', view: TasksPage },
  { name: 'state', title: 'State', key: 's', view: StatePage },
  { name: 'dead-letters', title: 'Dead letters', key: 'd', view: DeadLettersPage },
  { name: 'events', title: 'Events', key: 'e', view: EventsPage },
  { name: 'health', title: 'Health', key: 'h', view: HealthPage },
]

export function App() {
  const place = usePlace()
  const looked = useLoad<Overview>('/overview', {}, OVERVIEW_EVERY_MS)
  const topology = useLoad<TopologyView>('/topology')
  const session = useLoad<SessionView>('/session', {}, SESSION_EVERY_MS)
  const self = session.error === null ? session.data : null
  const overview = { ...looked, data: looked.data && withOwnReadiness(looked.data, self) }
  const [keysShown, showKeys] = useState(false)
  const main = useRef<HTMLElement>(null)
  const known = PAGES.find(({ name }) => name === (place.path[0] ?? ''))
  const page = known ?? PAGES[0]!

  useEffect(() => {
    const changed = (): void => session.again()
    for (const name of ['tokenchange', 'tokenrefused']) window.addEventListener(name, changed)
    return () => {
      for (const name of ['tokenchange', 'tokenrefused']) window.removeEventListener(name, changed)
    }
  }, [session.again])
  useEffect(
    () =>
      shortcuts({
        '?': () => showKeys(true),
        '/': () => document.querySelector<HTMLElement>('main [data-search]')?.focus(),
        ...Object.fromEntries(PAGES.map(({ name, key }) => [`g ${key}`, () => go(linkTo([name].filter(Boolean)))])),
      }),
    [],
  )
  const application = topology.data?.application
  useEffect(() => {
    document.title = titleOf(page.title, place, application ?? 'Tributary')
  }, [page, place, application])
  // On a narrow screen the pages' names are wider than it.
  useEffect(() => {
    document.querySelector('nav [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [page])
  // Not at first: whoever opens the page begins at its top.
  const before = useRef(page)
  useEffect(() => {
    if (before.current === page) return
    before.current = page
    main.current?.focus({ preventScroll: true })
    scrollTo(0, 0)
    // A topology that was not there when the page was opened.
    if (topology.data === null) topology.again()
  }, [page, topology.data, topology.again])

  const View = page.view
  return (
    <LiveContext.Provider value={{ overview, topology, session }}>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <header class="top">
        <a class="brand" href="#/">
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M2 2c0 6 6 4 6 12M14 2c0 6-6 4-6 12" />
          </svg>
          <span>{topology.data?.application ?? 'tributary'}</span>
        </a>
        <nav aria-label="Pages">
          {PAGES.map(({ name, title }) => (
            <a key={name} href={linkTo([name].filter(Boolean))} aria-current={page.name === name ? 'page' : undefined}>
              {title}
            </a>
          ))}
        </nav>
        <div class="tools">
          <LiveMark overview={overview} />
          <SessionButton session={session} />
          <ThemeButton />
          <button
            type="button"
            class="quiet"
            aria-label="Keyboard shortcuts"
            title="Keyboard shortcuts (?)"
            onClick={() => showKeys(true)}
          >
            ?
          </button>
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <h1>{page.title}</h1>
        {overview.error && overview.error.status === 401 && <Failure error={overview.error} />}
        {known === undefined && (
          <p role="status">
            There is no page <Foreign text={`#/${place.path.join('/')}`} />: this is the overview.
          </p>
        )}
        <View place={place} />
      </main>
      <KeysDialog pages={PAGES} shown={keysShown} close={() => showKeys(false)} />
    </LiveContext.Provider>
  )
}
