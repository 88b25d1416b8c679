/** What is said above an answer that could not be renewed: what is shown is of then. */
import { clock } from '../format.ts'
import type { Loaded } from '../load.ts'
import { Failure } from './parts.tsx'

export function Stale({ loaded }: { loaded: Pick<Loaded<unknown>, 'data' | 'error' | 'atMs' | 'again'> }) {
  if (loaded.error === null) return null
  return (
    <>
      <Failure error={loaded.error} again={loaded.again} />
      {loaded.data !== null && <p class="as-of">Shown is what was known at {clock(loaded.atMs)}.</p>}
    </>
  )
}
