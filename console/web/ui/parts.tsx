/** Small parts that every page is made of. They hold no state and ask for nothing. */
import type { ComponentChildren } from 'preact'
import type { ShownState } from '../../contract.ts'
import type { ApiError } from '../api.ts'
import { dateTime, duration } from '../format.ts'

export function Panel(props: {
  title: string
  actions?: ComponentChildren
  class?: string
  children: ComponentChildren
}) {
  return (
    <section class={`panel ${props.class ?? ''}`} aria-label={props.title}>
      <header>
        <h2>{props.title}</h2>
        {props.actions && <div class="actions">{props.actions}</div>}
      </header>
      {props.children}
    </section>
  )
}

export function Tile(props: { label: string; value: ComponentChildren; note?: ComponentChildren; tone?: Tone }) {
  return (
    <div class={`tile ${props.tone ?? ''}`}>
      <dt>{props.label}</dt>
      <dd>
        {props.value}
        {props.note !== undefined && <small>{props.note}</small>}
      </dd>
    </div>
  )
}

export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'held' | 'faint'

/** A word with a colour and a shape, for those who do not see the one or the other. */
export function Badge(props: { tone: Tone; children: ComponentChildren; title?: string | undefined }) {
  return (
    <span class={`badge ${props.tone}`} title={props.title}>
      {props.children}
    </span>
  )
}

export const toneOf: Readonly<Record<ShownState, Tone>> = {
  running: 'good',
  'taking-over': 'busy',
  restoring: 'busy',
  waiting: 'warn',
  stopped: 'bad',
  lost: 'faint',
  unknown: 'faint',
}

export function StateBadge({ state, paused }: { state: ShownState; paused: boolean }) {
  return paused && state === 'running' ? <Badge tone="held">paused</Badge> : <Badge tone={toneOf[state]}>{state}</Badge>
}

/** What went wrong, with what can be done. */
export function Failure({ error, again }: { error: ApiError; again?: () => void }) {
  return (
    <div class="failure" role="alert">
      <strong>{error.status === 401 ? 'The token is needed' : error.status === 0 ? 'No answer' : error.code}</strong>
      <span>{error.message}</span>
      {again && (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  )
}

export const Empty = ({ children }: { children: ComponentChildren }) => <p class="empty">{children}</p>

export const Loading = ({ what }: { what: string }) => (
  <p class="empty" role="status">
    Loading {what}…
  </p>
)

export function Time({ at }: { at: string | number }) {
  const date = new Date(at)
  if (Number.isNaN(date.getTime())) return <span>{String(at)}</span>
  return (
    <time dateTime={date.toISOString()} title={date.toISOString()}>
      {dateTime(date)}
    </time>
  )
}

export const Ago = ({ ms }: { ms: number | null }) => <span class="number">{ms === null ? '–' : duration(ms)}</span>

/** Text made by others: whatever is in it, it stays text, and what cannot be seen is shown as a code. */
export function Foreign({ text, class: name = '' }: { text: string; class?: string }) {
  return <span class={`foreign ${name}`}>{text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, codePoint)}</span>
}

const codePoint = (character: string): string =>
  character === '\n' || character === '\t' ? character : `\\u{${character.codePointAt(0)!.toString(16)}}`
