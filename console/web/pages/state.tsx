/** Looking into the state: a character's notes, a note with its history, or whatever a task has. Owns the search. */
import { useEffect, useState } from 'preact/hooks'
import type { PageProps } from '../app.tsx'
import { go, linkTo } from '../router.ts'
import { Empty } from '../ui/parts.tsx'
import { Pick } from '../ui/pick.tsx'
import { Browse } from '../ui/state/browse.tsx'
import { CharacterView } from '../ui/state/character.tsx'
import { NoteDetail } from '../ui/state/note.tsx'
import { ID_MAX, isTenant, type Kind, readSearch } from '../ui/state/search.ts'

export function StatePage({ place }: PageProps) {
  const [, kind, idText] = place.path
  const id = idText !== undefined && /^\d{1,10}$/.test(idText) && Number(idText) <= ID_MAX ? Number(idText) : null
  const tenant = place.query.get('tenant')
  return (
    <div class="stack state-page">
      <Search kind={kind === 'notes' ? 'notes' : 'characters'} id={id} tenant={tenant} />
      {kind === 'characters' && id !== null ? (
        <CharacterView
          key={`${id} ${tenant}`}
          id={id}
          tenant={tenant}
          from={Number(place.query.get('from') ?? 0) || 0}
        />
      ) : kind === 'notes' && id !== null ? (
        <NoteDetail key={`${id} ${tenant}`} id={id} tenant={tenant} />
      ) : kind === undefined || kind === 'tasks' ? (
        <Browse task={id} />
      ) : (
        <Empty>There is nothing at this address: an id is a whole number from 0 to {ID_MAX}.</Empty>
      )}
    </div>
  )
}

function Search({ kind: named, id, tenant: given }: { kind: Kind; id: number | null; tenant: string | null }) {
  const [kind, setKind] = useState<Kind>(named)
  const [text, setText] = useState(id === null ? '' : String(id))
  const [tenant, setTenant] = useState(given ?? '')
  const [problem, setProblem] = useState<string | null>(null)
  // A link was followed, or the reader went back.
  useEffect(() => {
    setKind(named)
    setText(id === null ? '' : String(id))
    setTenant(given ?? '')
    setProblem(null)
  }, [named, id, given])
  const find = (typed: string): boolean => {
    const wanted = readSearch(typed, kind, tenant)
    if (wanted === null) setProblem('There is no id in this: type a number, or paste what has one.')
    else if (wanted.tenant !== null && !isTenant(wanted.tenant)) setProblem('A tenant is a UUID.')
    else {
      setProblem(null)
      go(linkTo(['state', wanted.kind, wanted.id], { tenant: wanted.tenant }))
      return true
    }
    return false
  }
  return (
    <search aria-label="State">
      <form
        class="state-search panel"
        onSubmit={(event) => {
          event.preventDefault()
          find(text)
        }}
      >
        <Pick
          label="What is looked for"
          value={kind}
          options={[
            { value: 'characters', label: 'Character' },
            { value: 'notes', label: 'Note' },
          ]}
          pick={setKind}
        />
        <label class="grow">
          Id, or anything that has one: an address, a Redis key, an event
          <input
            data-search
            class="mono"
            value={text}
            autocomplete="off"
            spellcheck={false}
            placeholder={kind === 'notes' ? '12' : '7'}
            aria-invalid={problem !== null}
            aria-describedby="state-problem"
            onInput={(event) => setText(event.currentTarget.value)}
            onPaste={(event) => {
              const pasted = event.clipboardData?.getData('text') ?? ''
              // A bare number goes where it was pasted; more than that says itself what it is.
              if (/^\d*$/.test(pasted.trim()) || readSearch(pasted, kind) === null) return
              event.preventDefault()
              find(pasted)
            }}
          />
        </label>
        <label class="tenant">
          Tenant (without it a whole task is looked through)
          <input
            class="mono"
            value={tenant}
            autocomplete="off"
            spellcheck={false}
            placeholder="any"
            onInput={(event) => setTenant(event.currentTarget.value)}
          />
        </label>
        <div class="buttons">
          <button type="submit" class="primary">
            Find
          </button>
          {id !== null && (
            <a class="button" href={linkTo(['state'])}>
              Browse
            </a>
          )}
        </div>
        <p id="state-problem" class="problem" role="status">
          {problem}
        </p>
      </form>
    </search>
  )
}
