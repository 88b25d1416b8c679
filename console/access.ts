/**
 * Who may look, and who may act. Looking is open to whoever sits at this machine, reaches the service by a loopback name and
 * comes from no other web page and through no proxy; anyone else needs the token. Acting needs the token always: a page that the browser of an
 * operator happens to show must not be able to replay a thing.
 */
import { randomBytes } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { checkLocal, checkToken } from '../api/rest/access.ts'
import { ApiFailure } from '../api/rest/errors.ts'

const LOOPBACK_ADDRESS = /^(127(?:\.\d{1,3}){3}|::1|::ffff:127(?:\.\d{1,3}){3})$/

const FORWARDED = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip']

/** For a process without API_TOKEN, which listens on loopback only. */
export const newToken = (): string => randomBytes(24).toString('base64url')

/** Throws ApiFailure `token.required`. */
export function checkRead(request: FastifyRequest, token: string): void {
  // Also with a token that is another one: a page may keep that of an earlier process.
  if (!isLocal(request)) checkToken(request.headers, token)
}

function isLocal({ headers, socket }: FastifyRequest): boolean {
  if (!LOOPBACK_ADDRESS.test(socket.remoteAddress ?? '')) return false
  // A proxy on this machine: who sits behind it sits elsewhere.
  if (FORWARDED.some((name) => headers[name] !== undefined)) return false
  try {
    checkLocal(headers)
    return true
  } catch (error) {
    if (error instanceof ApiFailure) return false
    throw error
  }
}

/** Throws ApiFailure `token.required`. */
export const checkAction = ({ headers }: FastifyRequest, token: string): void => checkToken(headers, token)

export function mayAct({ headers }: FastifyRequest, token: string): boolean {
  try {
    checkToken(headers, token)
    return true
  } catch {
    return false
  }
}
