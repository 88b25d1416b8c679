/** The last things worth telling, of all instances. */
import type { Notice } from '../../../contract.ts'
import { clock, dateTime } from '../../format.ts'
import { Badge, Empty, Foreign, Panel, type Tone } from '../parts.tsx'

/** The day only when it is another one. */
const shortTime = (at: string): string =>
  new Date(at).toDateString() === new Date().toDateString() ? clock(at) : dateTime(at).slice(0, 16)

const TONES: Readonly<Record<Notice['level'], Tone>> = { info: 'faint', warn: 'warn', error: 'bad' }

export const Notices = ({ notices }: { notices: readonly Notice[] }) => (
  <Panel title="Notices" class="notices">
    {notices.length === 0 ? (
      <Empty>Nothing worth telling has happened since the instances started.</Empty>
    ) : (
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      <section class="list" tabIndex={0} aria-label="Notices, newest first, scrollable">
        <ol>
          {notices.map(({ at, instance, level, code, text }, index) => (
            <li key={`${at} ${instance} ${code} ${index}`}>
              <Badge tone={TONES[level]}>{level}</Badge>
              <code>{code}</code>
              <time class="soft number" dateTime={at} title={at}>
                {shortTime(at)}
              </time>
              <p>
                <Foreign text={text} /> <Foreign text={instance} class="soft" />
              </p>
            </li>
          ))}
        </ol>
      </section>
    )}
  </Panel>
)
