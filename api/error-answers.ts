/**
 * What an error becomes over HTTP, wherever it arises: a handler, the framework, or a socket on which nothing that could be
 * called a request came. Owns no text of its own: rest/errors.ts has the codes.
 */
import type { Socket } from 'node:net'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { StoreLost } from '../stores/ports.ts'
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
const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
}

/** Answers what is no request, and ends the connection. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const name = SOCKET[error.code ?? ''] ?? 'request.malformed'
  const { status, remedy } = httpErrors[name]
  const body = JSON.stringify(errorDocument([{ code: name, detail: remedy }]))
  socket.end(
    [
      `HTTP/1.1 ${status} ${REASONS[status]}`,
      `Content-Type: ${JSON_TYPE}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  )
}
