/** Asking the service: JSON of `/api/operator`, with the token when there is one, and errors as people can read them. */
import type { SessionView } from '../contract.ts'
import { token } from './session.ts'

const BASE = '/api/operator'
/** Longer than the server takes to say that Redis or Kafka is away. */
const TIMEOUT_MS = 15_000

export class ApiError extends Error {
  /** 0: no answer at all. */
  readonly status: number
  readonly code: string
  constructor(status: number, code: string, message: string) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.code = code
  }
}

export type Query = Readonly<Record<string, string | number | null | undefined>>

/** The service does few heavy reads at once, and each is short. */
const BUSY_TRIES = 4
const BUSY_WAIT_MS = 600

/** Waits a little where others are being answered. */
export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask<T>(`${BASE}${path}${queryText(query)}`, { headers: headers() }, signal)
    } catch (error) {
      const isBusy = error instanceof ApiError && error.code === 'service.busy'
      if (!isBusy || tries >= BUSY_TRIES || signal?.aborted) throw error
      await new Promise((resolve) => setTimeout(resolve, BUSY_WAIT_MS * tries))
    }
  }
}

/** A token that is refused may have been right before: the page asks anew whether it is. */
export async function post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  try {
    return await ask<T>(
      `${BASE}${path}`,
      { method: 'POST', headers: { ...headers(), 'content-type': 'application/json' }, body: JSON.stringify(body) },
      signal,
    )
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) window.dispatchEvent(new Event('tokenrefused'))
    throw error
  }
}

/** Whether one may act with this token, which is not kept. Throws ApiError when it cannot be known. */
export async function isRightToken(tried: string): Promise<boolean> {
  try {
    const session = await ask<SessionView>(`${BASE}/session`, { headers: { authorization: `Bearer ${tried}` } })
    return session.canAct
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return false
    throw error
  }
}

/** For streams and downloads. */
export const url = (path: string, query: Query = {}): string => `${BASE}${path}${queryText(query)}`

export function headers(): Record<string, string> {
  const known = token()
  return known === null ? {} : { authorization: `Bearer ${known}` }
}

/** The error of an answer that is not 2xx. */
export async function failureOf(response: Response): Promise<ApiError> {
  try {
    const { errors } = (await response.json()) as { errors: { code: string; title: string; detail?: string }[] }
    const { code, title, detail } = errors[0]!
    return new ApiError(response.status, code, detail ? `${title}: ${detail}` : title)
  } catch {
    return new ApiError(response.status, 'http', `the service answered ${response.status}`)
  }
}

async function ask<T>(address: string, init: RequestInit, signal?: AbortSignal): Promise<T> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  let response: Response
  try {
    response = await fetch(address, { ...init, signal: signal ? AbortSignal.any([signal, timeout]) : timeout })
  } catch (error) {
    if (signal?.aborted) throw error
    throw new ApiError(
      0,
      'unreachable',
      timeout.aborted ? 'the service does not answer' : 'the service cannot be reached',
    )
  }
  if (!response.ok) throw await failureOf(response)
  return (await response.json()) as T
}

function queryText(query: Query): string {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== '')
  return given.length === 0 ? '' : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`
}
