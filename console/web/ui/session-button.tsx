/** Shows whether one may act, and takes the token and the name for it. */
import { useState } from 'preact/hooks'
import type { SessionView } from '../../contract.ts'
import type { Loaded } from '../load.ts'
import { operatorName, setOperatorName, setToken, token } from '../session.ts'
import { Dialog } from './dialog.tsx'

export function SessionButton({ session }: { session: Loaded<SessionView> }) {
  const [shown, show] = useState(false)
  const canAct = session.data?.canAct === true
  const wrong = session.data?.canAct === false && token() !== null
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
      <Dialog title="Acting" shown={shown} close={() => show(false)}>
        <form
          onSubmit={(event) => {
            event.preventDefault()
            const data = new FormData(event.currentTarget)
            setOperatorName(String(data.get('name') ?? ''))
            const typed = String(data.get('token') ?? '').trim()
            if (typed !== '') setToken(typed)
            show(false)
          }}
        >
          <p>
            {canAct
              ? 'This tab has the token: tasks can be paused and dead letters replayed. Every action is recorded with your name.'
              : 'Looking is free. Pausing tasks and replaying dead letters needs the token: the value of API_TOKEN, or the one that the service printed when it started.'}
          </p>
          {wrong && <p class="problem">The token that this tab has is another one.</p>}
          <label>
            Token
            <input name="token" type="password" autocomplete="off" placeholder={canAct ? '(kept)' : ''} />
          </label>
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
                  show(false)
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
