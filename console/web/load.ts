/** Hooks that read from the service: once per change of what is asked, or again and again while the page is looked at. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { ApiError, get, type Query } from './api.ts'

export interface Loaded<T> {
  /** The last good answer; stays while a newer one is awaited or fails. */
  readonly data: T | null
  readonly error: ApiError | null
  readonly loading: boolean
  /** When `data` came, ms. */
  readonly atMs: number
  readonly again: () => void
}

const asApiError = (error: unknown): ApiError =>
  error instanceof ApiError ? error : new ApiError(0, 'page', error instanceof Error ? error.message : String(error))

/** `path` null: asks nothing. `everyMs` 0: once. What was asked for an earlier path is forgotten. */
export function useLoad<T>(path: string | null, query: Query = {}, everyMs = 0): Loaded<T> {
  const [state, setState] = useState<{
    of: string | null
    data: T | null
    error: ApiError | null
    loading: boolean
    atMs: number
  }>({
    of: null,
    data: null,
    error: null,
    loading: path !== null,
    atMs: 0,
  })
  const [round, setRound] = useState(0)
  const again = useCallback(() => setRound((n) => n + 1), [])
  const name = path === null ? null : `${path} ${JSON.stringify(query)}`
  const latest = useRef(query)
  latest.current = query
  // `name` stands for path and query, `round` asks again.
  useEffect(() => {
    if (path === null) return
    const controller = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const look = async (): Promise<void> => {
      if (document.hidden && everyMs > 0) {
        timer = setTimeout(look, everyMs)
        return
      }
      try {
        const data = await get<T>(path, latest.current, controller.signal)
        setState({ of: name, data, error: null, loading: false, atMs: Date.now() })
      } catch (error) {
        if (controller.signal.aborted) return
        setState((old) => ({
          ...old,
          of: name,
          data: old.of === name ? old.data : null,
          error: asApiError(error),
          loading: false,
        }))
      }
      if (everyMs > 0 && !controller.signal.aborted) timer = setTimeout(look, everyMs)
    }
    setState((old) =>
      old.of === name ? { ...old, loading: true } : { of: name, data: null, error: null, loading: true, atMs: 0 },
    )
    void look()
    const seen = (): void => {
      if (document.hidden || everyMs === 0) return
      clearTimeout(timer)
      void look()
    }
    document.addEventListener('visibilitychange', seen)
    return () => {
      controller.abort()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', seen)
    }
  }, [name, everyMs, round])
  const { of, data, error, loading, atMs } = state
  return of === name
    ? { data, error, loading, atMs, again }
    : { data: null, error: null, loading: path !== null, atMs: 0, again }
}
