/** Status events as they come. Owns what is shown of them; following is ui/events/feed.ts. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { PageProps } from '../app.tsx'
import { count, rate } from '../format.ts'
import { go, linkTo } from '../router.ts'
import { type FeedState, follow } from '../ui/events/feed.ts'
import { FeedMark } from '../ui/events/feed-mark.tsx'
import { added, continued, held, NO_ROWS, RateMeter, ROWS_MAX, type Row, type Rows, rowOf } from '../ui/events/rows.ts'
import { EventTable } from '../ui/events/table.tsx'
import { Empty, Failure, Panel } from '../ui/parts.tsx'
import { isTenant } from '../ui/state/search.ts'

/** Rows come in as often as somebody can read, not as often as events do. */
const SHOW_EVERY_MS = 500
/** Rows drawn unless more are wanted: when all change at once, that is what a screen can draw without a hitch. */
const DRAWN_MAX = 150
const TYPES = ['CREATED', 'UPDATED', 'DELETED', 'CREATE_FAILED'] as const

export function EventsPage({ place }: PageProps) {
  const tenant = place.query.get('tenant') ?? ''
  const characters = place.query.get('characterId') ?? ''
  const types = (place.query.get('type') ?? '').split(',').filter(Boolean)
  const [rows, setRows] = useState<Rows>(NO_ROWS)
  const [state, setState] = useState<FeedState>({ kind: 'connecting' })
  const [perSecond, setPerSecond] = useState(0)
  const [all, showAll] = useState(false)
  const [round, setRound] = useState(0)
  const number = useRef(0)
  const query = useMemo(
    () => ({ tenant, characterId: characters, type: types.join(',') }),
    [tenant, characters, types.join(',')],
  )
  useEffect(() => {
    const meter = new RateMeter()
    const since = performance.now()
    let come: Row[] = []
    let last: FeedState['kind'] = 'connecting'
    let wasCut = false
    setRows((old) => ({ ...NO_ROWS, held: old.held }))
    const say = (text: string, tone: 'warn' | 'good'): void => {
      come.push({ kind: 'said', n: number.current++, atMs: Date.now(), text, tone })
    }
    const stop = follow(query, {
      events(events) {
        const now = Date.now()
        meter.add(performance.now(), events.length)
        for (const event of events) come.push(rowOf(event, number.current++, now))
        // What comes between two looks is bounded, too.
        if (come.length > 2 * ROWS_MAX) {
          const tooMany = come.length - ROWS_MAX
          setRows((old) => ({ ...old, total: old.total + tooMany }))
          come = come.slice(-ROWS_MAX)
        }
      },
      state(next) {
        if (next.kind === 'waiting' && last === 'following') {
          wasCut = true
          say(`Cut off: ${next.why}`, 'warn')
        }
        if (next.kind === 'following' && wasCut) {
          wasCut = false
          say('Connected again, from where it was', 'good')
        }
        last = next.kind
        setState(next)
      },
    })
    const timer = setInterval(() => {
      setPerSecond(meter.perSecond(performance.now(), since))
      if (come.length === 0) return
      const young = come
      come = []
      setRows((old) => added(old, young))
    }, SHOW_EVERY_MS)
    return () => {
      stop()
      clearInterval(timer)
    }
  }, [query, round])
  useEffect(() => {
    const changed = (): void => setRound((n) => n + 1)
    window.addEventListener('tokenchange', changed)
    return () => window.removeEventListener('tokenchange', changed)
  }, [])
  const waiting = rows.waiting.length + rows.dropped
  return (
    <div class="stack events-page">
      <Filter tenant={tenant} characters={characters} types={types} />
      {state.kind === 'refused' && <Failure error={state.error} again={() => setRound((n) => n + 1)} />}
      <Panel
        title="Status events"
        actions={
          <>
            <FeedMark state={state} again={() => setRound((n) => n + 1)} />
            <span class="number rate">{rate(perSecond)}</span>
            <span class="number soft total">{count(rows.total)} in all</span>
            <button
              type="button"
              class={`hold ${rows.held ? 'primary' : ''}`}
              aria-pressed={rows.held}
              onClick={() => setRows(rows.held ? continued : held)}
            >
              {rows.held ? `Continue (${count(waiting)})` : 'Pause'}
            </button>
            <button
              type="button"
              disabled={rows.shown.length === 0}
              onClick={() => setRows((old) => ({ ...old, shown: [] }))}
            >
              Clear
            </button>
          </>
        }
      >
        {rows.shown.length === 0 ? (
          <Empty>
            {state.kind === 'following'
              ? rows.held
                ? `Paused. ${waiting === 0 ? 'Nothing waits.' : `${count(waiting)} wait.`}`
                : 'Nothing has come yet. Events are shown from now on, as they come.'
              : state.kind === 'refused'
                ? 'Not following.'
                : 'Connecting…'}
          </Empty>
        ) : (
          <EventTable rows={all ? rows.shown : rows.shown.slice(0, DRAWN_MAX)} tenant={tenant === '' ? null : tenant} />
        )}
        <p class="foot soft">
          The newest {ROWS_MAX} are kept
          {rows.dropped > 0 && `; ${count(rows.dropped)} came while it was paused and were let go`}. Committed events
          only.{' '}
          {rows.shown.length > DRAWN_MAX && (
            <button type="button" aria-pressed={all} onClick={() => showAll(!all)}>
              {all ? `Show the newest ${DRAWN_MAX}` : `Show all ${count(rows.shown.length)}`}
            </button>
          )}
        </p>
      </Panel>
    </div>
  )
}

function Filter({ tenant, characters, types }: { tenant: string; characters: string; types: readonly string[] }) {
  const [typed, setTyped] = useState({ tenant, characters })
  const [problem, setProblem] = useState<string | null>(null)
  useEffect(() => setTyped({ tenant, characters }), [tenant, characters])
  const to = (changed: Record<string, string | null>): void =>
    go(linkTo(['events'], { tenant, characterId: characters, type: types.join(','), ...changed }), true)
  return (
    <form
      class="events-filter panel"
      aria-label="Filter"
      onSubmit={(event) => {
        event.preventDefault()
        const list = typed.characters.split(/[\s,]+/).filter(Boolean)
        const wanted = typed.tenant.trim().toLowerCase()
        if (wanted !== '' && !isTenant(wanted)) setProblem('A tenant is a UUID.')
        else if (list.length > 50 || list.some((id) => !/^\d{1,10}$/.test(id)))
          setProblem('Characters are up to 50 numbers, with commas between them.')
        else {
          setProblem(null)
          to({ tenant: wanted, characterId: list.join(',') })
        }
      }}
    >
      <fieldset class="types">
        <legend>Types</legend>
        {TYPES.map((type) => (
          <button
            key={type}
            type="button"
            class="chip"
            aria-pressed={types.includes(type)}
            onClick={() => to({ type: TYPES.filter((of) => (of === type) !== types.includes(of)).join(',') })}
          >
            {type}
          </button>
        ))}
      </fieldset>
      <label>
        Characters
        <input
          data-search
          class="mono"
          value={typed.characters}
          placeholder="any, or 7,12"
          autocomplete="off"
          onInput={(event) => setTyped({ ...typed, characters: event.currentTarget.value })}
        />
      </label>
      <label class="tenant">
        Tenant
        <input
          class="mono"
          value={typed.tenant}
          placeholder="any"
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => setTyped({ ...typed, tenant: event.currentTarget.value })}
        />
      </label>
      <div class="buttons">
        <button type="submit">Apply</button>
        {(tenant !== '' || characters !== '' || types.length > 0) && (
          <a class="button" href={linkTo(['events'])}>
            All events
          </a>
        )}
      </div>
      <p class="problem" role="status">
        {problem}
      </p>
    </form>
  )
}
