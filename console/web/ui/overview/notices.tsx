/** The last things worth telling, of all instances. */
import type { Notice } from '../../../contract.ts'
import { Badge, Empty, Foreign, Panel, Time, type Tone } from '../parts.tsx'

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
              <span class="head">
                <code>{code}</code> <Foreign text={instance} class="soft" />
              </span>
              <span class="soft number when">
                <Time at={at} />
              </span>
              <Foreign text={text} class="text" />
            </li>
          ))}
        </ol>
      </section>
    )}
  </Panel>
)
