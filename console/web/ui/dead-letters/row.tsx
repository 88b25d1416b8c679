/** A letter in the list, drawn again only when it, or whether it is chosen, changes. */
import { memo } from 'preact/compat'
import { bytes } from '../../format.ts'
import { linkToLetter, linkToTask } from '../../links.ts'
import { parsePartition, parsePlace } from '../../places.ts'
import { Badge, Foreign, Time } from '../parts.tsx'
import { type Letter, orderPlace, preview } from './letters.ts'

export const LetterRow = memo(function LetterRow(props: {
  letter: Letter
  chosen: boolean
  failedAs: string | null
  toggle: (place: string) => void
}) {
  const { letter, chosen, failedAs } = props
  const place = orderPlace(letter)
  const origin = letter.origin === null ? null : parsePlace(letter.origin)
  return (
    <tr class={letter.replayed ? 'done' : ''}>
      <td>
        <input
          type="checkbox"
          aria-label={`Choose ${place}`}
          checked={chosen && letter.replayed === null}
          disabled={letter.replayed !== null}
          onChange={() => props.toggle(place)}
        />
      </td>
      <td class="number">
        <a href={linkToLetter(letter.at) ?? ''}>{place}</a>
      </td>
      <td class="number">{letter.time === null ? '–' : <Time at={letter.time} />}</td>
      <td class="mono reason full">
        <Foreign text={letter.reason} />
      </td>
      <td class="mono origin full" data-label="from">
        {origin ? <a href={linkToTask(origin.partition)}>{letter.origin}</a> : <span class="soft">unknown</span>}
        {letter.replayedFrom !== null && (
          <small>
            replay of <a href={linkToLetter(letter.replayedFrom) ?? ''}>{letter.replayedFrom}</a>
          </small>
        )}
      </td>
      <td class="mono key" data-label="key">
        <Foreign text={preview(letter.key, 40)} />
      </td>
      <td class="value full">
        <Foreign text={letter.message} class="why" />
        <span class="mono soft preview">
          {letter.valueBytes !== null && `${bytes(letter.valueBytes)} `}
          <Foreign text={preview(letter.value)} />
        </span>
      </td>
      <td class="replayed full">
        <Replayed letter={letter} />
        {failedAs !== null && (
          <small>
            failed again:{' '}
            <a href={linkToLetter(failedAs) ?? ''}>
              {parsePlace(failedAs)?.partition}@{parsePlace(failedAs)?.offset}
            </a>
          </small>
        )}
      </td>
    </tr>
  )
})

/** Whether it was sent again, where to, when and by whom. */
export function Replayed({ letter: { replayed } }: { letter: Letter }) {
  if (replayed === null) return <Badge tone="warn">waiting</Badge>
  const to = parsePartition(replayed.to)
  return (
    <>
      <Badge tone="good">replayed</Badge>
      <small>
        to {to ? <a href={linkToTask(to.partition)}>{replayed.to}</a> : replayed.to}
        <br />
        <Time at={replayed.at} /> by <Foreign text={replayed.by} />
      </small>
    </>
  )
}
