/**
 * Sending letters again: first a dry run, which shows what would happen to each; then, if that is wanted, the sending itself;
 * then what came of it. The order that is carried out names the letters that the dry run has shown.
 */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { ReplayOrder, ReplayReport } from '../../../contract.ts'
import { ApiError, post } from '../../api.ts'
import { count } from '../../format.ts'
import { linkToLetter, linkToTask } from '../../links.ts'
import { parsePartition } from '../../places.ts'
import { operatorName } from '../../session.ts'
import { Dialog } from '../dialog.tsx'
import { Badge, Empty, Failure, Foreign, type Tone } from '../parts.tsx'
import { Scroll } from '../scroll.tsx'
import { outcomeText, type ReplayItem, sums, sumsText } from './letters.ts'

/** Letters of one order. */
export const REPLAY_MAX = 1_000
const ROWS_MAX = 300

export type Order = Pick<ReplayOrder, 'places' | 'reason'>

type Stage =
  | { readonly kind: 'asking' }
  | { readonly kind: 'shown'; readonly report: ReplayReport }
  | { readonly kind: 'sending'; readonly report: ReplayReport }
  | { readonly kind: 'sent'; readonly report: ReplayReport }
  | { readonly kind: 'failed'; readonly error: ApiError; readonly during: 'asking' | 'sending' }

const TONES: Readonly<Record<ReplayItem['outcome'], Tone>> = {
  waits: 'busy',
  replayed: 'good',
  already: 'faint',
  refused: 'bad',
  missing: 'warn',
}

const asError = (error: unknown): ApiError =>
  error instanceof ApiError ? error : new ApiError(0, 'page', error instanceof Error ? error.message : String(error))

/** `close(true)`: something may have been sent. */
export function ReplayDialog({ order, close }: { order: Order | null; close: (sent: boolean) => void }) {
  const [stage, setStage] = useState<Stage>({ kind: 'asking' })
  const sent = useRef(false)
  const running = useRef<AbortController | null>(null)
  const ask = async (body: ReplayOrder, next: 'shown' | 'sent'): Promise<void> => {
    const controller = new AbortController()
    running.current = controller
    try {
      const report = await post<ReplayReport>('/dead-letters/replay', body, controller.signal)
      if (!controller.signal.aborted) setStage({ kind: next, report })
    } catch (error) {
      if (!controller.signal.aborted)
        setStage({ kind: 'failed', error: asError(error), during: next === 'shown' ? 'asking' : 'sending' })
    }
  }
  const dryRun = (): void => {
    setStage({ kind: 'asking' })
    void ask({ ...order, limit: REPLAY_MAX, execute: false }, 'shown')
  }
  useEffect(() => {
    if (order === null) return
    sent.current = false
    dryRun()
    return () => running.current?.abort()
  }, [order])
  const send = (report: ReplayReport): void => {
    const places = report.items.filter(({ outcome }) => outcome === 'waits').map(({ place }) => place)
    // An order without places would be one for all that wait.
    if (places.length === 0) return
    sent.current = true
    setStage({ kind: 'sending', report })
    const by = operatorName()
    void ask({ places, limit: REPLAY_MAX, execute: true, ...(by === '' ? {} : { by }) }, 'sent')
  }
  const title = stage.kind === 'sent' ? 'What was replayed' : 'Replay dead letters'
  return (
    <Dialog title={title} shown={order !== null} close={() => close(sent.current)} wide>
      <div class="replay">
        {stage.kind === 'asking' && <p role="status">A dry run looks what would be sent…</p>}
        {stage.kind === 'failed' && (
          <>
            <Failure error={stage.error} {...(stage.during === 'asking' ? { again: dryRun } : {})} />
            {stage.during === 'sending' && (
              <p>
                Some may have been sent. Each is sent once, whatever happens: a new dry run shows which still wait.{' '}
                <button type="button" onClick={dryRun}>
                  New dry run
                </button>
              </p>
            )}
          </>
        )}
        {(stage.kind === 'shown' || stage.kind === 'sending') && (
          <Confirm stage={stage} send={() => send(stage.report)} cancel={() => close(sent.current)} />
        )}
        {stage.kind === 'sent' && (
          <>
            <p role="status">
              <strong>Done: {sumsText(sums(stage.report.items), true)}.</strong> What fails again comes back as a new
              dead letter.
            </p>
            <Items items={stage.report.items} executed />
            <div class="buttons">
              <button type="button" class="primary" onClick={() => close(true)}>
                Close
              </button>
            </div>
          </>
        )}
      </div>
    </Dialog>
  )
}

function Confirm(props: {
  stage: { readonly kind: 'shown' | 'sending'; readonly report: ReplayReport }
  send: () => void
  cancel: () => void
}) {
  const { kind, report } = props.stage
  const of = sums(report.items)
  const targets = new Set(report.items.filter(({ outcome }) => outcome === 'waits').map(({ to }) => to))
  const by = operatorName()
  return (
    <>
      <p>
        <strong>{sumsText(of, false)}.</strong>{' '}
        {of.waits > 0 &&
          `The original bytes go to ${targets.size === 1 ? [...targets][0] : `${targets.size} partitions`}, where they were first read, each exactly once. It is recorded ${by === '' ? 'as done by “console”: give your name behind “can act”' : `as done by ${by}`}.`}
        {!report.complete && ` More wait than were looked at: at most ${count(REPLAY_MAX)} go at once.`}
      </p>
      <Items items={report.items} executed={false} />
      <div class="buttons">
        <button type="button" class="primary" disabled={of.waits === 0 || kind === 'sending'} onClick={props.send}>
          {kind === 'sending' ? 'Sending…' : `Send ${count(of.waits)} ${of.waits === 1 ? 'letter' : 'letters'}`}
        </button>
        <button type="button" onClick={props.cancel}>
          {kind === 'sending' ? 'Leave' : 'Cancel'}
        </button>
      </div>
    </>
  )
}

function Items({ items, executed }: { items: readonly ReplayItem[]; executed: boolean }) {
  if (items.length === 0) return <Empty>No letter waits.</Empty>
  return (
    <>
      <Scroll label="Letters, scrolls" class="items">
        <table>
          <caption class="visually-hidden">What {executed ? 'came' : 'would come'} of each letter</caption>
          <thead>
            <tr>
              <th>Letter</th>
              <th>Outcome</th>
              <th>Target</th>
              <th>Why</th>
            </tr>
          </thead>
          <tbody>
            {items.slice(0, ROWS_MAX).map((item) => (
              <tr key={item.place}>
                <td class="number">
                  <a href={linkToLetter(item.place) ?? ''}>{item.place}</a>
                </td>
                <td>
                  <Badge tone={TONES[item.outcome]}>{outcomeText(item.outcome, executed)}</Badge>
                </td>
                <td class="mono">
                  <Target to={item.to} />
                </td>
                <td>
                  <Foreign text={item.why ?? item.reason ?? ''} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {items.length > ROWS_MAX && <p class="soft">{count(items.length - ROWS_MAX)} more are not listed.</p>}
    </>
  )
}

export function Target({ to }: { to: string | null }) {
  if (to === null) return <span class="soft">–</span>
  const partition = parsePartition(to)
  return partition ? <a href={linkToTask(partition.partition)}>{to}</a> : <span>{to}</span>
}
