/**
 * What goes wrong over HTTP: one table of codes with their status, title and remedy, and the error that carries them.
 * docs/errors.md lists the same; a test keeps both together.
 */
import { RETRY_AFTER_SECONDS } from '../limits.ts'

export interface HttpErrorCode {
  readonly status: number
  readonly title: string
  readonly remedy: string
}

const code = (status: number, title: string, remedy: string): HttpErrorCode => ({ status, title, remedy })

export const httpErrors = {
  'request.malformed': code(400, 'The request cannot be read', 'Send well-formed HTTP and percent-encoding.'),
  'tenant.invalid': code(
    400,
    'The tenant is missing or malformed',
    'Send TENANT_ID (a UUID), REGION (text), MAJOR_VERSION and MINOR_VERSION (0 to 65535, decimal), each once.',
  ),
  'id.invalid': code(400, 'An id is not a whole number of 32 bits', 'Use 0 to 4294967295, decimal, no leading zeros.'),
  'page.invalid': code(
    400,
    'The page cannot be read',
    'page[number] from 1, page[size] 1 to 250, each at most once; there is no `limit`.',
  ),
  'filter.invalid': code(400, 'A filter cannot be read', '`source.parameter` names it.'),
  'resume.invalid': code(
    400,
    'There is nothing to resume from at this place',
    'Send the id of an event of this stream as Last-Event-ID, or `from` as latest, earliest or such an id.',
  ),
  'query.unknown': code(400, 'A query parameter is not known', 'Leave it out.'),
  'body.not_json': code(400, 'The body is not JSON', 'Send one JSON object in UTF-8, no byte-order mark.'),
  'body.ambiguous': code(400, 'The body can be read in two ways', 'Give each field once, and none called `__proto__`.'),
  'body.too_deep': code(400, 'The body is nested too deeply', 'A note takes three levels; 32 are read.'),
  'idempotency.invalid': code(
    400,
    'The Idempotency-Key cannot be used',
    'Send one key of 1 to 255 visible ASCII characters, such as a UUID.',
  ),
  'token.required': code(401, 'A token is needed', 'Send Authorization: Bearer with the value of API_TOKEN.'),
  'origin.forbidden': code(
    403,
    'Changes are not accepted from there',
    'Without API_TOKEN, address the service by a loopback name, from no other web page; or set API_TOKEN.',
  ),
  'route.unknown': code(
    404,
    'There is nothing at this path',
    '/api/openapi.json lists those of the REST interface; beside them are /api/events, /api/asyncapi.json, /livez, /readyz, /startupz, /metrics.',
  ),
  'note.unknown': code(404, 'There is no such note', 'It was never there, was removed, or is of another tenant.'),
  'request.unknown': code(404, 'There is no such request', 'Outcomes are kept for 24 hours.'),
  'task.unknown': code(
    404,
    'There is no such task',
    'Tasks are numbered from 0; /api/operator/topology says how many there are.',
  ),
  'dead_letter.unknown': code(
    404,
    'There is no such dead letter',
    'Its retention has passed, or the place is another one.',
  ),
  'method.not_allowed': code(405, 'The method is not allowed here', 'The header Allow lists those that are.'),
  'accept.unsupported': code(
    406,
    'No acceptable form of the answer',
    'Accept application/json or application/vnd.api+json (without parameters but `profile`).',
  ),
  'request.timeout': code(408, 'The request took too long to arrive', 'Send it within 10 s, its headers within 5 s.'),
  'operation.invalid': code(
    400,
    'The operation cannot be done like this',
    '`detail` begins with the code that says why.',
  ),
  'operation.refused': code(
    409,
    'The state of things does not allow it',
    '`detail` begins with the code that says why.',
  ),
  'body.too_large': code(413, 'The body is too large', 'At most 262144 bytes, and what the command topic takes.'),
  'url.too_long': code(414, 'The URL is too long', 'At most 4096 bytes.'),
  'body.media_type': code(
    415,
    'The body is of a type that is not read',
    'Send application/json or application/vnd.api+json in UTF-8, not compressed.',
  ),
  'expectation.failed': code(417, 'What is expected cannot be met', 'Leave out Expect, or send 100-continue.'),
  'value.wrong_type': code(422, 'A value is of a wrong type', '`source.pointer` names the field.'),
  'value.out_of_range': code(422, 'A value is out of range', '`source.pointer` names the field.'),
  'value.required': code(422, 'A value is required', '`source.pointer` names the field.'),
  'value.fixed': code(422, 'A value cannot be changed', 'Leave it out, or send it as it is.'),
  'idempotency.reused': code(
    422,
    'The Idempotency-Key was used for another request',
    'Use a new key for a new request, and the same body when trying again.',
  ),
  'request.refused': code(422, 'The command was refused', 'Check the values; the note service did not carry it out.'),
  'rate.exceeded': code(429, 'Too many requests', 'Wait as Retry-After says; REST_REQUESTS_PER_MINUTE sets the limit.'),
  'headers.too_large': code(431, 'The headers are too large', 'At most 16384 bytes, the request line included.'),
  internal: code(500, 'Something is wrong with the service', 'Report it with the log line `request failed`.'),
  'service.starting': code(503, 'Not ready', 'Try again; /readyz says what is missing.'),
  'service.draining': code(503, 'The service is ending', 'Try again: another process answers.'),
  'service.busy': code(503, 'Too much at once', 'Try again as Retry-After says.'),
  'kafka.unavailable': code(
    503,
    'Kafka does not take the command',
    'Try again, with the same Idempotency-Key: the command may have been written.',
  ),
  'kafka.unreachable': code(503, 'Kafka does not answer', 'Try again; /readyz says since when it has been away.'),
  'redis.unavailable': code(503, 'The state cannot be read', 'Try again; check Redis if it stays.'),
  'state.restoring': code(503, 'The state is being restored', 'Try again; /readyz of the owner tells how far it is.'),
  'note.ids_exhausted': code(507, 'Note ids are exhausted', 'Nothing can be created in this partition any more.'),
} as const satisfies Record<string, HttpErrorCode>

export type HttpErrorName = keyof typeof httpErrors

/** Where in the request it is: one of the three. */
export interface ErrorSource {
  readonly pointer?: string
  readonly parameter?: string
  readonly header?: string
}

export interface Problem {
  readonly code: HttpErrorName
  readonly detail: string
  readonly source?: ErrorSource
}

/** Ends a request. All problems have the status of the first. */
export class ApiFailure extends Error {
  readonly problems: readonly [Problem, ...Problem[]]
  readonly headers: Readonly<Record<string, string>>

  constructor(problems: readonly [Problem, ...Problem[]], headers: Readonly<Record<string, string>> = {}) {
    super(problems.map(({ code: name, detail }) => `${name}: ${detail}`).join('; '))
    this.name = 'ApiFailure'
    this.problems = problems
    const retry = httpErrors[problems[0].code].status === 503 ? { 'retry-after': String(RETRY_AFTER_SECONDS) } : {}
    this.headers = { ...retry, ...headers }
  }

  get status(): number {
    return httpErrors[this.problems[0].code].status
  }
}

export const failure = (
  name: HttpErrorName,
  detail: string,
  source?: ErrorSource,
  headers?: Readonly<Record<string, string>>,
): ApiFailure => new ApiFailure([{ code: name, detail, ...(source === undefined ? {} : { source }) }], headers)

/** The JSON:API document of an error. */
export const errorDocument = (problems: readonly Problem[]) => ({
  errors: problems.map(({ code: name, detail, source }) => ({
    status: String(httpErrors[name].status),
    code: name,
    title: httpErrors[name].title,
    detail,
    ...(source === undefined ? {} : { source }),
  })),
})
