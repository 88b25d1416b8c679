/** How the stream stands, said once with each change. */
import { useEffect, useState } from 'preact/hooks'
import { Badge } from '../parts.tsx'
import type { FeedState } from './feed.ts'

export function FeedMark({ state, again }: { state: FeedState; again: () => void }) {
  return (
    <span class="feed-mark">
      <span role="status" class="feed-state">
        {state.kind === 'following' && <Badge tone="good">following</Badge>}
        {state.kind === 'connecting' && <Badge tone="busy">connecting</Badge>}
        {state.kind === 'waiting' && (
          <Badge tone="warn" title={state.why}>
            cut off
          </Badge>
        )}
        {state.kind === 'refused' && <Badge tone="bad">not following</Badge>}
      </span>
      {state.kind === 'waiting' && (
        <>
          <Countdown atMs={state.atMs} />
          <button type="button" onClick={again}>
            Now
          </button>
        </>
      )}
    </span>
  )
}

/** Not in the status: a screen reader is not told every second. */
function Countdown({ atMs }: { atMs: number }) {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500)
    return () => clearInterval(timer)
  }, [])
  return <span class="number soft">again in {Math.max(0, Math.ceil((atMs - now) / 1_000))} s</span>
}
