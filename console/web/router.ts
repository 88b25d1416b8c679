/** The part of the address behind `#`: a path and its parameters, so that every view can be linked to. */
import { useEffect, useState } from 'preact/hooks'

export interface Place {
  /** `/tasks/3` → `['tasks', '3']`. */
  readonly path: readonly string[]
  readonly query: URLSearchParams
}

/** What is no encoding stays as it is: an address is typed and cut by people. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    if (error instanceof URIError) return text
    throw error
  }
}

export function currentPlace(hash = location.hash): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2)
  return { path: path.split('/').filter(Boolean).map(decoded), query: new URLSearchParams(query) }
}

export function linkTo(
  path: readonly (string | number)[],
  query: Readonly<Record<string, string | number | null>> = {},
): string {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== '')
  const text = given.length === 0 ? '' : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`
  return `#/${path.map((part) => encodeURIComponent(part)).join('/')}${text}`
}

/** Goes there; `replace` leaves no step to go back to. */
export function go(link: string, replace = false): void {
  if (!replace) location.hash = link
  else {
    history.replaceState(null, '', link)
    window.dispatchEvent(new HashChangeEvent('hashchange'))
  }
}

export function usePlace(): Place {
  const [place, setPlace] = useState(currentPlace)
  useEffect(() => {
    const changed = (): void => setPlace(currentPlace())
    window.addEventListener('hashchange', changed)
    return () => window.removeEventListener('hashchange', changed)
  }, [])
  return place
}
