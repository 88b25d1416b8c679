/**
 * What an error becomes over HTTP, wherever it arises: a handler, the framework, or a socket on which nothing that could be
 * called a request came. Owns no text of its own: rest/errors.ts has the codes.
 */
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { StoreLost } from '../stores/ports.ts'
import { HANG_UP_MS } from './limits.ts'
import { ApiFailure, errorDocument, failure, type HttpErrorName, httpErrors } from './rest/errors.ts'
import { answerType, JSON_TYPE } from './rest/negotiation.ts'

/** By the codes of fastify. */
const FRAMEWORK: Readonly<Record<string, HttpErrorName>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body.too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'body.media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'request.malformed',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'body.not_json',
  FST_ERR_BAD_URL: 'request.malformed',
  FST_ERR_ROUTE_MISSING_HANDLER: 'route.unknown',
}

export function failureOf(error: unknown): ApiFailure | null {
  if (error instanceof ApiFailure) return error
  if (error instanceof StoreLost) return failure('redis.unavailable', `the state cannot be read (${error.code})`)
  const { code, statusCode } = error as Partial<FastifyError>
  const name = FRAMEWORK[code ?? '']
  if (name !== undefined) return failure(name, httpErrors[name].remedy)
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return failure('request.malformed', 'the request cannot be read')
  return null
}

/** `problem` is told what nobody expected. */
export function sendError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  problem: (error: unknown) => void,
): FastifyReply {
  const known = failureOf(error)
  if (known === null) problem(error)
  const { status, problems, headers } = known ?? failure('internal', 'the request failed')
  return reply
    .status(status)
    .headers(headers)
    .header('cache-control', 'no-store')
    .header('vary', 'accept')
    .header('content-type', answerType(request.headers.accept) ?? JSON_TYPE)
    .send(Buffer.from(JSON.stringify(errorDocument(problems))))
}

/** By the codes of Node's parser. */
const SOCKET: Readonly<Record<string, HttpErrorName>> = {
  HPE_HEADER_OVERFLOW: 'headers.too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request.timeout',
}

/** Answers what is no request, and ends the connection. */
export function answerClientError(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET') socket.destroy()
  else answer(SOCKET[error.code ?? ''] ?? 'request.malformed', socket)
}

/** Answers a request that is none for a server of this kind (CONNECT), and ends the connection. */
export function answerMalformed(socket: Duplex): void {
  socket.resume()
  answer('request.malformed', socket)
}

function answer(name: HttpErrorName, socket: Duplex): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  // A client that does not hang up must not keep its connection: there are CONNECTIONS_MAX.
  const timer = setTimeout(() => socket.destroy(), HANG_UP_MS)
  socket.once('error', () => socket.destroy()).once('close', () => clearTimeout(timer))
  const { status, remedy } = httpErrors[name]
  const body = JSON.stringify(errorDocument([{ code: name, detail: remedy }]))
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      `Date: ${new Date().toUTCString()}`,
      `Content-Type: ${JSON_TYPE}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Cache-Control: no-store',
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  )
}
