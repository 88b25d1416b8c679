/** The newest dead letters, by reason, and which of them are chosen. */
import { useCallback, useMemo, useRef, useState } from 'preact/hooks'
import type { DeadLettersView } from '../../../contract.ts'
import { clock, count, rate } from '../../format.ts'
import { useCanAct, useLive } from '../../live.ts'
import { useLoad } from '../../load.ts'
import { go, linkTo } from '../../router.ts'
import { Empty, Loading, Panel } from '../parts.tsx'
import { Pick } from '../pick.tsx'
import { Scroll } from '../scroll.tsx'
import { Stale } from '../stale.tsx'
import { failedAgain, orderPlace, shown, stillWaiting } from './letters.ts'
import { type Order, REPLAY_MAX, ReplayDialog } from './replay-dialog.tsx'
import { LetterRow } from './row.tsx'

const LIMIT = 100
const LIMIT_MAX = 1_000
const NO_TOKEN = 'Needs the token: press “read only” above'

export function LetterList({ query }: { query: URLSearchParams }) {
  const reason = query.get('reason')
  const waiting = query.get('show') === 'waiting'
  const text = query.get('text') ?? ''
  const limit = query.get('limit') === String(LIMIT_MAX) ? LIMIT_MAX : LIMIT
  const loaded = useLoad<DeadLettersView>('/dead-letters', { reason, limit })
  const canAct = useCanAct()
  const [chosen, choose] = useState<ReadonlySet<string>>(new Set())
  const [order, setOrder] = useState<Order | null>(null)
  const data = useLast(loaded.data)
  const reasons = data?.reasons ?? []
  const letters = useMemo(() => shown(data?.letters ?? [], { waiting, text }), [data, waiting, text])
  const again = useMemo(() => failedAgain(data?.letters ?? []), [data])
  const sendable = useMemo(() => stillWaiting(letters, chosen), [letters, chosen])
  const open = useMemo(() => letters.filter(({ replayed }) => replayed === null), [letters])
  const to = (changed: Record<string, string | null>): void =>
    go(
      linkTo(['dead-letters'], {
        reason,
        show: waiting ? 'waiting' : null,
        text,
        limit: limit === LIMIT ? null : limit,
        ...changed,
      }),
      true,
    )
  const toggle = useCallback((place: string) => {
    choose((old) => {
      const next = new Set(old)
      if (!next.delete(place)) next.add(place)
      return next
    })
  }, [])
  const waits =
    reason === null
      ? reasons.reduce((sum, of) => sum + of.waiting, 0)
      : (reasons.find((of) => of.reason === reason)?.waiting ?? 0)
  return (
    <div class="stack letters-page">
      <Arriving />
      <Stale loaded={loaded} />
      {data && (
        <fieldset class="chips">
          <legend class="visually-hidden">Reasons</legend>
          <Chip label="all reasons" of={sum(reasons)} pressed={reason === null} press={() => to({ reason: null })} />
          {reasons.map((of) => (
            <Chip
              key={of.reason}
              label={of.reason}
              of={of}
              pressed={of.reason === reason}
              press={() => to({ reason: of.reason })}
            />
          ))}
        </fieldset>
      )}
      <Panel
        title={reason === null ? 'Newest dead letters' : `Newest of ${reason}`}
        actions={
          <>
            {data && <span class="soft">as of {clock(loaded.atMs)}</span>}
            <button type="button" onClick={loaded.again} disabled={loaded.loading}>
              Look again
            </button>
          </>
        }
      >
        <div class="bar">
          <Pick
            label="Which are shown"
            value={waiting ? 'waiting' : 'all'}
            options={[
              { value: 'all', label: 'All' },
              { value: 'waiting', label: 'Waiting' },
            ]}
            pick={(which) => to({ show: which === 'waiting' ? which : null })}
          />
          <input
            data-search
            type="search"
            aria-label="Filter what is shown"
            placeholder="Filter: key, value, place, message"
            value={text}
            onInput={(event) => to({ text: event.currentTarget.value })}
          />
          <span class="push" />
          <button
            type="button"
            disabled={!canAct || sendable.length === 0}
            title={canAct ? (sendable.length === 0 ? 'Choose letters that wait' : undefined) : NO_TOKEN}
            onClick={() => setOrder({ places: sendable })}
          >
            Replay selected ({sendable.length})
          </button>
          <button
            type="button"
            disabled={!canAct || waits === 0}
            title={canAct ? (waits === 0 ? 'None waits' : `At most ${count(REPLAY_MAX)} at once`) : NO_TOKEN}
            onClick={() => setOrder(reason === null ? {} : { reason })}
          >
            Replay all waiting{reason !== null && ' of this reason'}…
          </button>
          {!canAct && <span class="soft small">Replaying needs the token.</span>}
        </div>
        {data === null ? (
          loaded.loading ? (
            <Loading what="dead letters" />
          ) : (
            <Empty>Nothing could be read.</Empty>
          )
        ) : letters.length === 0 ? (
          <Empty>
            {data.letters.length > 0
              ? 'None of those that were read is shown with this filter.'
              : reason === null
                ? `No dead letters: ${data.topic} has none.`
                : `None of ${reason}.`}
          </Empty>
        ) : (
          <Scroll label="Dead letters, scrolls sideways">
            <table class="letters cards">
              <caption class="visually-hidden">Dead letters, newest first</caption>
              <thead>
                <tr>
                  <th class="all">
                    <input
                      type="checkbox"
                      aria-label="Choose all that wait"
                      checked={open.length > 0 && sendable.length === open.length}
                      disabled={open.length === 0}
                      ref={(box) => {
                        if (box) box.indeterminate = sendable.length > 0 && sendable.length < open.length
                      }}
                      onChange={(event) => choose(new Set(event.currentTarget.checked ? open.map(orderPlace) : []))}
                    />
                  </th>
                  <th>Place</th>
                  <th>Time</th>
                  <th>Reason</th>
                  <th>Origin</th>
                  <th>Key</th>
                  <th>Message and value</th>
                  <th>Replayed</th>
                </tr>
              </thead>
              <tbody>
                {letters.map((letter) => (
                  <LetterRow
                    key={letter.at}
                    letter={letter}
                    chosen={chosen.has(orderPlace(letter))}
                    failedAs={again.get(orderPlace(letter))?.at ?? null}
                    toggle={toggle}
                  />
                ))}
              </tbody>
            </table>
          </Scroll>
        )}
        {data !== null && !data.complete && (
          <p class="foot soft">
            There may be older ones: the newest {count(data.letters.length)} are shown and counted.{' '}
            {limit < LIMIT_MAX && (
              <button type="button" onClick={() => to({ limit: String(LIMIT_MAX) })}>
                Look at up to {count(LIMIT_MAX)}
              </button>
            )}
          </p>
        )}
      </Panel>
      <ReplayDialog
        order={order}
        close={(sent) => {
          setOrder(null)
          if (!sent) return
          choose(new Set())
          loaded.again()
        }}
      />
    </div>
  )
}

type Reason = DeadLettersView['reasons'][number]

const sum = (reasons: readonly Reason[]): Counts => ({
  count: reasons.reduce((of, { count: n }) => of + n, 0),
  waiting: reasons.reduce((of, { waiting }) => of + waiting, 0),
})
type Counts = { readonly count: number; readonly waiting: number }

/** As last told: they stay while others are asked for. */
function useLast<T>(data: T | null): T | null {
  const last = useRef<T | null>(null)
  if (data !== null) last.current = data
  return last.current
}

const Chip = (props: { label: string; of: Counts; pressed: boolean; press: () => void }) => (
  <button type="button" class="chip" aria-pressed={props.pressed} onClick={props.press}>
    <span>{props.label}</span>
    <span class="number">
      {count(props.of.count)}
      <span class="visually-hidden"> in all,</span>
    </span>
    <span class={`number ${props.of.waiting > 0 ? 'waits' : 'soft'}`}>{count(props.of.waiting)} waiting</span>
  </button>
)

/** Told by the overview, which is read anyway: the list itself is not read again and again. */
function Arriving() {
  const rates = useLive().overview.data?.rates ?? {}
  const now = Object.entries(rates).reduce((of, [name, value]) => (name.startsWith('dead:') ? of + value : of), 0)
  return (
    <p class={`arriving ${now > 0 ? 'now' : ''}`}>
      {now > 0 ? `Dead letters are coming in: ${rate(now)}. Look again to see them.` : 'No dead letters are coming in.'}
    </p>
  )
}
