/**
 * Who may change something. With a token: whoever sends it. Without one the service listens on loopback only (config.ts),
 * and a web page must not reach it through the browser of whoever sits there: by another name for this address (DNS
 * rebinding) or from another site (CSRF).
 */
import { hash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { failure } from './errors.ts'

const LOOPBACK_NAME = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i

/** Throws ApiFailure `token.required`, `origin.forbidden`. */
export function checkAccess(headers: IncomingHttpHeaders, token: string | undefined): void {
  if (token !== undefined) checkToken(headers, token)
  else checkLocal(headers)
}

/** Throws ApiFailure `token.required`. */
export function checkToken(headers: IncomingHttpHeaders, token: string): void {
  const [, sent] = /^Bearer +([^ ]+) *$/i.exec(headers.authorization ?? '') ?? []
  if (sent !== undefined && isEqual(sent, token)) return
  throw failure('token.required', sent === undefined ? 'no token was sent' : 'the token is another one', undefined, {
    'www-authenticate': 'Bearer realm="tributary"',
  })
}

/** By a loopback name, and from no other web page. Throws ApiFailure `origin.forbidden`. */
export function checkLocal({ host, origin, 'sec-fetch-site': site }: IncomingHttpHeaders): void {
  if (host === undefined || !LOOPBACK_NAME.test(host))
    throw failure('origin.forbidden', 'the header Host names no loopback address', { header: 'Host' })
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`)
    throw failure('origin.forbidden', 'the request comes from another web page', { header: 'Origin' })
  if (site !== undefined && !SAME.has(String(site)))
    throw failure('origin.forbidden', 'the request comes from another web page', { header: 'Sec-Fetch-Site' })
}

const SAME: ReadonlySet<string> = new Set(['same-origin', 'none'])

/** In a time that tells nothing of the token, its length included. */
const isEqual = (a: string, b: string): boolean =>
  timingSafeEqual(hash('sha256', a, 'buffer'), hash('sha256', b, 'buffer'))
