/** The doctor's findings. It asks broker and Redis a lot, so it runs when somebody wants it. */
import { useState } from 'preact/hooks'
import type { DoctorView } from '../../../contract.ts'
import { clock } from '../../format.ts'
import { useLoad } from '../../load.ts'
import { Badge, Empty, Foreign, Loading, Panel, type Tone } from '../parts.tsx'
import { Remedy } from '../remedy.tsx'
import { Stale } from '../stale.tsx'
import { areasOf, counted, type FindingState } from './findings.ts'

const TONES: Readonly<Record<FindingState, Tone>> = { fail: 'bad', warn: 'warn', skipped: 'faint', ok: 'good' }
const WORDS: Readonly<Record<FindingState, string>> = {
  fail: 'fails',
  warn: 'look at it',
  skipped: 'not checked',
  ok: 'fine',
}

export function DoctorPanel() {
  const [wanted, want] = useState(false)
  const doctor = useLoad<DoctorView>(wanted ? '/doctor' : null)
  const findings = doctor.data?.findings ?? null
  const of = findings && counted(findings)
  return (
    <Panel
      title="Doctor"
      actions={
        <>
          {doctor.data && <span class="soft">as of {clock(doctor.atMs)}</span>}
          <button
            type="button"
            class={wanted ? '' : 'primary'}
            disabled={wanted && doctor.loading}
            onClick={() => (wanted ? doctor.again() : want(true))}
          >
            {doctor.loading && wanted ? 'Examining…' : wanted ? 'Examine again' : 'Examine'}
          </button>
        </>
      }
    >
      {doctor.error && (
        <div class="body">
          <Stale loaded={doctor} />
        </div>
      )}
      {!wanted ? (
        <Empty>
          Checks Node, the broker and its features, topics and their settings, rights, the group, offsets, Redis and the
          clocks, and says what to do. It changes nothing, and takes some seconds.
        </Empty>
      ) : findings === null || of === null ? (
        doctor.loading && <Loading what="findings" />
      ) : (
        <>
          <p class="verdict" role="status">
            {of.fail > 0 && <Badge tone="bad">{of.fail} fail</Badge>}
            {of.warn > 0 && <Badge tone="warn">{of.warn} to look at</Badge>}
            <Badge tone="good">{of.ok} fine</Badge>
            {of.skipped > 0 && <Badge tone="faint">{of.skipped} not checked</Badge>}
          </p>
          {areasOf(findings).map(({ name, worst, findings: all }) => (
            <details key={name} class="area" open={worst === 'fail' || worst === 'warn'}>
              <summary>
                <span class="mono">{name}</span> <Badge tone={TONES[worst]}>{WORDS[worst]}</Badge>
                <span class="soft number">{all.length}</span>
              </summary>
              <ul>
                {all.map((finding, at) => (
                  <li key={at}>
                    <span class="head">
                      <Badge tone={TONES[finding.state]}>{WORDS[finding.state]}</Badge>
                      <span class="mono">{finding.check}</span>
                    </span>
                    <Foreign text={finding.detail} />
                    {finding.remedy !== null && (
                      <p class="remedy">
                        <strong>What to do: </strong>
                        <Remedy text={finding.remedy} />
                      </p>
                    )}
                  </li>
                ))}
              </ul>
            </details>
          ))}
        </>
      )}
    </Panel>
  )
}
