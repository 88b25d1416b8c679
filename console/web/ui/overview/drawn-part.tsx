/** One part of the drawing: its outline, sign and name, what flows through it, and the lag of a source. */
import type { DrawnNode, Overview } from '../../../contract.ts'
import { compact, rate } from '../../format.ts'
import { KIND_WORDS, lagOfNode, rateOfNode } from './node-facts.ts'
import { outlineOf, SIGNS } from './node-shapes.tsx'

/** Width of a letter of the labels, and what of a part is not there for its label, px. */
const LETTER = 6.95
const TAKEN = 44
const SIGN_AT = 20
const TEXT_AT = 34
const BADGE_LETTER = 6.4

interface Props {
  readonly node: DrawnNode
  readonly overview: Overview | null
  readonly tabStop: boolean
  readonly chosen: boolean
  readonly lit: boolean
  readonly point: (id: string | null) => void
  readonly choose: (id: string | null) => void
}

export function DrawnPart({ node, overview, tabStop, chosen, lit, point, choose }: Props) {
  const { id, kind, label, x, y, width, height } = node
  const perSecond = overview && rateOfNode(node, overview)
  const lag = overview && lagOfNode(node, overview)
  const press = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' && event.key !== ' ') return
    event.preventDefault()
    choose(chosen ? null : id)
  }
  // Below the lid.
  const top = kind === 'store' ? 4 : 0
  const alarm = kind === 'dead-letters' && (perSecond ?? 0) > 0
  return (
    <g class={`part ${kind} ${lit ? 'lit' : ''} ${alarm ? 'alarm' : ''}`} transform={`translate(${x} ${y})`}>
      {/* biome-ignore lint/a11y/useSemanticElements: a button cannot stand in a drawing */}
      <g
        class="push"
        role="button"
        tabindex={tabStop ? 0 : -1}
        aria-label={`${KIND_WORDS[kind]} ${label}`}
        aria-pressed={chosen}
        data-part={id}
        onMouseEnter={() => point(id)}
        onMouseLeave={() => point(null)}
        onFocus={() => point(id)}
        onBlur={() => point(null)}
        onClick={() => choose(chosen ? null : id)}
        onKeyDown={press}
      >
        <path class="outline" d={outlineOf(kind, width, height)} />
        <path class="sign" d={SIGNS[kind]} transform={`translate(${SIGN_AT - width / 2} 1)`} />
      </g>
      {/* Beside the button, not in it: its name must not change with every number. */}
      <svg aria-hidden="true" overflow="visible">
        <text class="name" x={TEXT_AT - width / 2} y={top - 3}>
          {fitting(label, width)}
        </text>
        <text class="second" x={TEXT_AT - width / 2} y={top + 12}>
          {perSecond === null ? KIND_WORDS[kind] : rate(perSecond)}
        </text>
        {lag !== null && <LagBadge lag={lag} right={width / 2 - 6} top={-height / 2 - 9} />}
      </svg>
    </g>
  )
}

function LagBadge({ lag, right, top }: { lag: number; right: number; top: number }) {
  const text = `lag ${compact(lag)}`
  const width = text.length * BADGE_LETTER + 14
  return (
    <g class={`lag ${lag > 0 ? 'some' : ''}`} transform={`translate(${right - width} ${top})`}>
      <rect width={width} height={18} rx={9} />
      <text x={width / 2} y={12.5}>
        {text}
      </text>
    </g>
  )
}

const lettersOf = (width: number): number => Math.floor((width - TAKEN) / LETTER)

function fitting(label: string, width: number): string {
  const letters = lettersOf(width)
  return label.length <= letters ? label : `${label.slice(0, Math.max(1, letters - 1))}…`
}
