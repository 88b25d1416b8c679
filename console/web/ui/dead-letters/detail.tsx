/** One letter in full. */
import { useState } from 'preact/hooks'
import type { DeadLetterView } from '../../../contract.ts'
import { bytes as bytesText } from '../../format.ts'
import { linkToLetter, linkToTask } from '../../links.ts'
import { useCanAct } from '../../live.ts'
import { useLoad } from '../../load.ts'
import { parsePlace, traceIdOf } from '../../places.ts'
import { linkTo } from '../../router.ts'
import { CopyButton } from '../copy-button.tsx'
import { Empty, Foreign, Loading, Panel, Time } from '../parts.tsx'
import { Scroll } from '../scroll.tsx'
import { Stale } from '../stale.tsx'
import { BytesView } from './bytes-view.tsx'
import { type Bytes, orderPlace, preview } from './letters.ts'
import { type Order, ReplayDialog, Target } from './replay-dialog.tsx'
import { Replayed } from './row.tsx'

export function LetterDetail({ partition, offset }: { partition: number; offset: number }) {
  const loaded = useLoad<DeadLetterView>(`/dead-letters/${partition}/${offset}`)
  const [order, setOrder] = useState<Order | null>(null)
  const { data } = loaded
  const place = `${partition}@${offset}`
  return (
    <div class="stack letter-page">
      <p class="crumbs">
        <a href={linkTo(['dead-letters'])}>All dead letters</a>
        {data && (
          <>
            {' · '}
            <a href={linkTo(['dead-letters'], { reason: data.letter.reason })}>
              all of <Foreign text={data.letter.reason} />
            </a>
          </>
        )}
      </p>
      <Stale loaded={loaded} />
      {data ? (
        <Whole view={data} place={place} replay={() => setOrder({ places: [place] })} />
      ) : (
        <Panel title={`Dead letter ${place}`}>
          {loaded.loading ? (
            <Loading what="the letter" />
          ) : (
            <Empty>There is no letter {place}, or it is gone: retention may have removed it.</Empty>
          )}
        </Panel>
      )}
      <ReplayDialog
        order={order}
        close={(sent) => {
          setOrder(null)
          if (sent) loaded.again()
        }}
      />
    </div>
  )
}

function Whole({ view, place, replay }: { view: DeadLetterView; place: string; replay: () => void }) {
  const { letter, target, refused } = view
  const canAct = useCanAct()
  const origin = letter.origin === null ? null : parsePlace(letter.origin)
  const trace = traceIdOf(headerText(letter.headers, 'traceparent'))
  const hindrance = letter.replayed
    ? 'It was replayed already: each letter is sent once'
    : refused !== null
      ? refused
      : canAct
        ? null
        : 'Needs the token: press “read only” above'
  return (
    <>
      <Panel
        title={`Dead letter ${place}`}
        actions={
          <button
            type="button"
            class="primary"
            disabled={hindrance !== null}
            title={hindrance ?? undefined}
            onClick={replay}
          >
            Replay…
          </button>
        }
      >
        <dl class="fact-list">
          <dt>Reason</dt>
          <dd>
            <strong class="mono">
              <Foreign text={letter.reason} />
            </strong>
            <p class="why">
              <Foreign text={letter.message} />
            </p>
          </dd>
          <dt>Time</dt>
          <dd class="number">{letter.time === null ? 'unknown' : <Time at={letter.time} />}</dd>
          <dt>Origin</dt>
          <dd class="mono">
            {origin ? (
              <>
                <a href={linkToTask(origin.partition)}>{letter.origin}</a>{' '}
                <CopyButton text={letter.origin!} what="the origin" />
              </>
            ) : (
              <span class="soft">it does not say</span>
            )}
          </dd>
          {letter.replayedFrom !== null && (
            <>
              <dt>Failed again</dt>
              <dd>
                It is the replay of <a href={linkToLetter(letter.replayedFrom) ?? ''}>{letter.replayedFrom}</a>, and
                failed again.
              </dd>
            </>
          )}
          <dt>State</dt>
          <dd class="replayed">
            <Replayed letter={letter} />
          </dd>
          <dt>Replay</dt>
          <dd>
            {letter.replayed ? (
              <span class="soft">It was sent; a letter is sent once.</span>
            ) : target !== null ? (
              <>
                goes to{' '}
                <span class="mono">
                  <Target to={target} />
                </span>
                {!canAct && <span class="soft"> – needs the token</span>}
              </>
            ) : (
              <>
                is refused: <Foreign text={refused ?? 'it has no target'} />
              </>
            )}
          </dd>
          {trace !== null && (
            <>
              <dt>Trace</dt>
              <dd class="mono">
                <span class="wrap">{trace}</span> <CopyButton text={trace} what="the trace id" />
              </dd>
            </>
          )}
          <dt>Key</dt>
          <dd class="mono">
            <BytesText of={letter.key} />
          </dd>
        </dl>
      </Panel>
      <BytesView
        at={letter.at}
        path={`/dead-letters/${place.replace('@', '/')}/value`}
        isNull={letter.value === null}
      />
      {letter.truncatedBytes !== null && (
        <p class="soft">The value was cut when it was set aside: originally {bytesText(letter.truncatedBytes)}.</p>
      )}
      <Panel title={`Headers (${letter.headers.length})`}>
        {letter.headers.length === 0 ? (
          <Empty>It had none.</Empty>
        ) : (
          <Scroll label="Headers, scrolls sideways">
            <table class="headers">
              <caption class="visually-hidden">Headers of {orderPlace(letter)}</caption>
              <thead>
                <tr>
                  <th>Name</th>
                  <th>Value</th>
                </tr>
              </thead>
              <tbody>
                {letter.headers.map(({ name, value }, at) => (
                  <tr key={at}>
                    <td class="mono">
                      <Foreign text={name} />
                    </td>
                    <td class="mono">
                      <BytesText of={value} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        )}
      </Panel>
    </>
  )
}

function BytesText({ of }: { of: Bytes }) {
  if (of === null) return <span class="soft">null</span>
  return <Foreign text={preview(of, 2_000)} />
}

function headerText(headers: DeadLetterView['letter']['headers'], wanted: string): string | null {
  const found = headers.findLast(({ name }) => name === wanted)?.value ?? null
  return found && 'text' in found ? found.text : null
}
