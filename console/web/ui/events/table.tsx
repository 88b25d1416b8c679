/** The events that are shown. A row never changes once it is there, so it is drawn once. */
import { memo } from 'preact/compat'
import { clock } from '../../format.ts'
import { linkToCharacter, linkToNote } from '../../links.ts'
import { linkTo } from '../../router.ts'
import { Badge, Foreign, type Tone } from '../parts.tsx'
import { Scroll } from '../scroll.tsx'
import { placeOf, type Row } from './rows.ts'

const TONES: Readonly<Record<string, Tone>> = {
  CREATED: 'good',
  UPDATED: 'busy',
  DELETED: 'faint',
  CREATE_FAILED: 'bad',
}
const BODY_CHARACTERS_MAX = 400

export const EventTable = ({ rows, tenant }: { rows: readonly Row[]; tenant: string | null }) => (
  <Scroll label="Events, scrolls sideways">
    <table class="events cards">
      <caption class="visually-hidden">Status events, newest first</caption>
      <thead>
        <tr>
          <th>Time</th>
          <th>Type</th>
          <th class="right">Character</th>
          <th class="right">Note</th>
          <th>What</th>
          <th>Place</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <EventRow key={row.n} row={row} tenant={tenant} />
        ))}
      </tbody>
    </table>
  </Scroll>
)

const EventRow = memo(function EventRow({ row, tenant: filtered }: { row: Row; tenant: string | null }) {
  if (row.kind === 'gap')
    return (
      <tr class="gap">
        <td class="number">{clock(row.atMs)}</td>
        <td>
          <Badge tone="bad">gap</Badge>
        </td>
        <td colSpan={4} class="full">
          {row.lost === null ? 'Events' : `${row.lost} offsets`} are missing: <Foreign text={row.text} />
        </td>
      </tr>
    )
  if (row.kind === 'said')
    return (
      <tr class="said">
        <td class="number">{clock(row.atMs)}</td>
        <td>
          <Badge tone={row.tone}>{row.tone === 'warn' ? 'cut off' : 'back'}</Badge>
        </td>
        <td colSpan={4} class="full">
          {row.text}
        </td>
      </tr>
    )
  const tenant = row.tenant ?? filtered
  const place = placeOf(row.id)
  return (
    <tr>
      <td class="number">{clock(row.atMs)}</td>
      <td>
        <Badge tone={TONES[row.type] ?? 'faint'}>{row.type}</Badge>
      </td>
      <td class="right number" data-label="character">
        {row.characterId === null ? '–' : <a href={linkToCharacter(row.characterId, tenant)}>{row.characterId}</a>}
      </td>
      <td class="right number" data-label="note">
        {row.noteId === null ? '–' : <a href={linkToNote(row.noteId, tenant)}>{row.noteId}</a>}
      </td>
      <td class="mono what clamp full">
        <Foreign
          text={row.body.length > BODY_CHARACTERS_MAX ? `${row.body.slice(0, BODY_CHARACTERS_MAX)}…` : row.body}
        />
        {row.tenant !== null && filtered === null && (
          <small>
            <a href={linkTo(['events'], { tenant: row.tenant })}>{row.tenant.slice(0, 8)}…</a>
          </small>
        )}
      </td>
      <td class="mono place" data-label="at" title={row.id}>
        {place ? `${place.partition}@${place.offset}` : ''}
      </td>
    </tr>
  )
})
