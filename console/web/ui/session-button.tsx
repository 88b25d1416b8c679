/** Shows whether one may act, and takes the token and the name for it. */
import { useId, useState } from 'preact/hooks'
import type { SessionView } from '../../contract.ts'
import { ApiError, isRightToken } from '../api.ts'
import { canActBy } from '../live.ts'
import type { Loaded } from '../load.ts'
import { operatorName, setOperatorName, setToken, token } from '../session.ts'
import { Dialog } from './dialog.tsx'

export function SessionButton({ session }: { session: Loaded<SessionView> }) {
  const [shown, show] = useState(false)
  const [problem, tell] = useState<string | null>(null)
  const problemId = useId()
  const canAct = canActBy(session)
  const wrong = !canAct && session.data !== null && token() !== null
  const leave = (): void => {
    tell(null)
    show(false)
  }
  const keep = async (typed: string): Promise<void> => {
    // Emptied first: the same words again are said again.
    tell(null)
    try {
      if (await isRightToken(typed)) {
        setToken(typed)
        leave()
      } else tell('This is not the token of the service that answers here.')
    } catch (error) {
      tell(`It cannot be told whether this is the token: ${error instanceof ApiError ? error.message : String(error)}.`)
    }
  }
  return (
    <>
      <button
        type="button"
        class="quiet"
        aria-label={canAct ? 'can act: actions are unlocked' : 'read only: unlock actions'}
        onClick={() => show(true)}
      >
        {canAct ? 'can act' : 'read only'}
      </button>
      <Dialog title="Acting" shown={shown} close={leave}>
        <form
          onSubmit={(event) => {
            event.preventDefault()
            const data = new FormData(event.currentTarget)
            setOperatorName(String(data.get('name') ?? ''))
            const typed = String(data.get('token') ?? '').trim()
            if (typed === '') leave()
            else void keep(typed)
          }}
        >
          <p>
            {canAct
              ? 'This tab has the token: tasks can be paused and dead letters replayed. Every action is recorded with your name.'
              : 'Looking is free. Pausing tasks and replaying dead letters needs the token: the value of API_TOKEN, or the one that the service printed when it started.'}
          </p>
          {wrong && problem === null && <p class="problem">The token that this tab has is another one.</p>}
          <label>
            Token
            <input
              name="token"
              type="password"
              autocomplete="off"
              placeholder={canAct ? '(kept)' : ''}
              aria-invalid={problem !== null}
              aria-describedby={problemId}
            />
          </label>
          <div role="alert" id={problemId}>
            {problem !== null && <p class="problem">{problem}</p>}
          </div>
          <label>
            Your name, for the record
            <input name="name" maxLength={60} autocomplete="off" value={operatorName()} />
          </label>
          <div class="buttons">
            <button type="submit" class="primary">
              Keep for this tab
            </button>
            {canAct && (
              <button
                type="button"
                onClick={() => {
                  setToken(null)
                  leave()
                }}
              >
                Forget the token
              </button>
            )}
          </div>
        </form>
      </Dialog>
    </>
  )
}
